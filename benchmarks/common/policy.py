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
IMAGE_LENGTH, WORDS_LENGTH = 1.5, 2.0
"""The lengths of an image's features (on average) and of a prompt's."""

type Matrix = "NDArray[np.float32]"


@lru_cache(maxsize=65536)
def words(prompt: str) -> Any:
    """Return the hashed words and pairs of neighbouring words of a prompt, as counts."""
    listed = re.findall(r"[^\W_]+", prompt.lower())
    vector = np.zeros(WORD_BUCKETS, np.float32)
    for feature in [*listed, *(" ".join(pair) for pair in pairwise(listed))]:
        vector[crc32(feature.encode()) % WORD_BUCKETS] += 1
    return vector


class Components:
    """The principal components of images, scaled to the same deviation each."""

    def __init__(self, images: Matrix) -> None:
        self._mean = images.mean(axis=0)
        _, sizes, axes = np.linalg.svd(images - self._mean, full_matrices=False)
        kept = min(COMPONENTS, int((sizes > 1e-3 * sizes[0]).sum()))
        self._axes = axes[:kept].T / sizes[:kept] * np.sqrt(len(images) / kept) * IMAGE_LENGTH

    def __call__(self, images: Matrix) -> Matrix:
        return np.asarray((images - self._mean) @ self._axes, np.float32)


class Policy:
    """A softmax regression on rows of an image's components and a prompt; `targets` are positions in the classes."""

    def __init__(self, images: Matrix, prompts: Sequence[str], targets: Sequence[int], classes: int) -> None:
        texts = np.stack([words(prompt) for prompt in dict.fromkeys(prompts)])
        shares = (texts > 0).mean(axis=0)
        # Rare words count more than frequent ones; words that do not occur in training count nothing.
        self._rarity = np.where(shares > 0, -np.log(np.maximum(shares, 1e-9)), 0.0).astype(np.float32)
        self._used = shares > 0
        wanted = np.eye(classes, dtype=np.float32)[list(targets)]
        self._weights = _fitted(self._rows(images, prompts), wanted)

    def choose(self, images: Matrix, prompts: Sequence[str]) -> "NDArray[np.int64]":
        """Return the class of each row."""
        return np.asarray((self._rows(images, prompts) @ self._weights).argmax(axis=1))

    def _rows(self, images: Matrix, prompts: Sequence[str]) -> Matrix:
        distinct = {prompt: number for number, prompt in enumerate(dict.fromkeys(prompts))}
        texts = np.stack([words(prompt) * self._rarity for prompt in distinct])[:, self._used]
        texts *= WORDS_LENGTH / np.maximum(np.linalg.norm(texts, axis=1, keepdims=True), 1e-6)
        constant = np.ones((len(images), 1), np.float32)
        return np.hstack([images, texts[[distinct[prompt] for prompt in prompts]], constant])


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
