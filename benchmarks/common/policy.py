"""A linear policy: from an image's features and a prompt's words to the next skill, in numpy alone.

Images are reduced to their principal components over the training frames, words and pairs of words are hashed, and
a softmax regression chooses among the classes. The same rows give the same policy.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORD_BUCKETS = 1024
COMPONENTS = 200
PENALTY = 1e-4
"""The weight of the squared coefficients."""
STEPS = 100
IMAGE_SCALE = 0.3
"""The components' standard deviation; a prompt's features have a length of 1."""

type Matrix = "NDArray[np.float32]"


@lru_cache(maxsize=65536)
def words(prompt: str) -> Any:
    """Return the hashed words and pairs of neighbouring words of a prompt, as a vector of length 1."""
    listed = re.findall(r"[^\W_]+", prompt.lower())
    vector = np.zeros(WORD_BUCKETS, np.float32)
    for feature in [*listed, *(" ".join(pair) for pair in pairwise(listed))]:
        vector[crc32(feature.encode()) % WORD_BUCKETS] += 1
    return vector / max(float(np.linalg.norm(vector)), 1.0)


class Components:
    """The principal components of images, scaled to the same deviation each."""

    def __init__(self, images: Matrix) -> None:
        self._mean = images.mean(axis=0)
        _, sizes, axes = np.linalg.svd(images - self._mean, full_matrices=False)
        kept = min(COMPONENTS, int((sizes > 1e-3 * sizes[0]).sum()))
        self._axes = axes[:kept].T / sizes[:kept] * np.sqrt(len(images)) * IMAGE_SCALE

    def __call__(self, images: Matrix) -> Matrix:
        return np.asarray((images - self._mean) @ self._axes, np.float32)


class Policy:
    """A softmax regression on rows of an image's components and a prompt; `targets` are positions in the classes."""

    def __init__(self, images: Matrix, prompts: Sequence[str], targets: Sequence[int], classes: int) -> None:
        rows = _rows(images, prompts)
        wanted = np.eye(classes, dtype=np.float32)[list(targets)]
        self._weights = _fitted(rows, wanted)

    def choose(self, images: Matrix, prompts: Sequence[str]) -> "NDArray[np.int64]":
        """Return the class of each row."""
        return np.asarray((_rows(images, prompts) @ self._weights).argmax(axis=1))


def _rows(images: Matrix, prompts: Sequence[str]) -> Matrix:
    texts = np.stack([words(prompt) for prompt in prompts])
    return np.hstack([images, texts, np.ones((len(images), 1), np.float32)])


def _fitted(rows: Matrix, wanted: Matrix) -> Matrix:
    """Minimise the penalised cross-entropy by Nesterov's gradient descent, with the step that its curvature allows."""
    count = len(rows)
    step = 1 / (0.5 * _largest_eigenvalue(rows) / count + PENALTY)
    weights = ahead = np.zeros((rows.shape[1], wanted.shape[1]), np.float32)
    momentum = 1.0
    for _ in range(STEPS):
        scores = rows @ ahead
        scores -= scores.max(axis=1, keepdims=True)
        shares = np.exp(scores)
        shares /= shares.sum(axis=1, keepdims=True)
        gradient = rows.T @ (shares - wanted) / count + PENALTY * ahead
        following = (ahead - step * gradient).astype(np.float32)
        faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = (following + (momentum - 1) / faster * (following - weights)).astype(np.float32)
        weights, momentum = following, faster
    return weights


def _largest_eigenvalue(rows: Matrix) -> float:
    """Return the largest eigenvalue of the rows' Gram matrix, by power iteration."""
    vector = np.ones(rows.shape[1], np.float32)
    for _ in range(20):
        vector = rows.T @ (rows @ vector)
        vector /= np.linalg.norm(vector)
    return float(np.linalg.norm(rows @ vector) ** 2) * 1.05
