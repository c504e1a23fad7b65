"""A linear policy: from an image's features and a prompt's words to the next skill, in numpy alone.

Images are reduced to their principal components over the training frames, words and pairs of words are hashed, and
ridge regression on the classes (the largest value is chosen) fits both. How many components, how long the words'
features are beside the image's, and the penalty are chosen by the accuracy on training episodes that were left out.
The same rows give the same policy.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORD_BUCKETS = 1024
COMPONENTS = (150, 50)
WORD_LENGTHS = (2.0, 1.0, 0.5)
PENALTIES = (1e-3, 1e-2)
ITERATIONS = 2
FOLDS = 3
"""Parts of the training episodes, each left out once."""

type Matrix = "NDArray[np.float32]"


@dataclass(frozen=True, slots=True)
class Settings:
    """The number of an image's components, the length of a prompt's features, and the weight of squared coefficients.

    The features of an image have the length 1 on average.
    """

    components: int
    word_length: float
    penalty: float


GRID = tuple(Settings(*values) for values in product(COMPONENTS, WORD_LENGTHS, PENALTIES))
MIDDLE = Settings(COMPONENTS[1], WORD_LENGTHS[1], PENALTIES[0])
"""The settings where there is nothing to choose by: a single episode."""


@lru_cache(maxsize=65536)
def words(prompt: str) -> Any:
    """Return the hashed words and pairs of neighbouring words of a prompt, as counts."""
    listed = re.findall(r"[^\W_]+", prompt.lower())
    vector = np.zeros(WORD_BUCKETS, np.float32)
    for feature in [*listed, *(" ".join(pair) for pair in pairwise(listed))]:
        vector[crc32(feature.encode()) % WORD_BUCKETS] += 1
    return vector


def components(images: Matrix, of: Sequence[int]) -> Matrix:
    """Return the images' principal components over some of them, scaled to the same deviation, largest first.

    They are found by subspace iteration, which is faster than an exact decomposition and as good for this.
    """
    chosen = images[list(of)]
    mean = chosen.mean(axis=0)
    chosen = chosen - mean
    width = min(max(COMPONENTS), *chosen.shape)
    axes = np.random.default_rng(0).normal(size=(chosen.shape[1], width)).astype(np.float32)
    for _ in range(ITERATIONS):
        axes = np.linalg.qr(chosen.T @ (chosen @ axes))[0]
    _, sizes, turn = np.linalg.svd(chosen @ axes, full_matrices=False)
    kept = int((sizes > 1e-3 * sizes[0]).sum())
    axes = axes @ turn[:kept].T / sizes[:kept] * np.sqrt(len(chosen))
    return np.asarray((images - mean) @ axes, np.float32)


class Policy:
    """A ridge regression on rows of an image's components and a prompt; `targets` are positions in the classes.

    `episodes` are those of the rows.
    """

    def __init__(
        self,
        images: Matrix,
        prompts: Sequence[str],
        targets: Sequence[int],
        classes: int,
        episodes: Sequence[int],
    ) -> None:
        texts = np.stack([words(prompt) for prompt in dict.fromkeys(prompts)])
        shares = (texts > 0).mean(axis=0)
        # Rare words count more than frequent ones; words that do not occur in training count nothing.
        self._used = shares > 0
        self._rarity = (1 - np.log(shares[self._used])).astype(np.float32)
        self._width = images.shape[1]
        rows, wanted = self._rows(images, prompts), np.eye(classes, dtype=np.float32)[list(targets)]
        parts = list(_parts(episodes))
        sums = [(rows[part].T @ rows[part], rows[part].T @ wanted[part], len(part)) for part in parts]
        self.settings = self._chosen(rows, np.array(targets), parts, sums)
        self._columns, self._weights = self._fitted(self.settings, sums)

    def values(self, images: Matrix, prompts: Sequence[str]) -> Matrix:
        """Return a value of each class for each row; the policy takes the largest."""
        return np.asarray(self._rows(images, prompts)[:, self._columns] @ self._weights)

    def _chosen(
        self, rows: Matrix, targets: "NDArray[np.int64]", parts: Sequence[Any], sums: Sequence[Any]
    ) -> Settings:
        """Return the settings with the most rows right, each row predicted without its part; the first if several."""
        if len(parts) < 2:
            return MIDDLE

        def right(settings: Settings) -> int:
            count = 0
            for number, part in enumerate(parts):
                columns, weights = self._fitted(settings, [*sums[:number], *sums[number + 1 :]])
                count += int(((rows[part][:, columns] @ weights).argmax(axis=1) == targets[part]).sum())
            return count

        return max(GRID, key=right)

    def _fitted(self, settings: Settings, sums: Sequence[Any]) -> tuple[Any, Matrix]:
        """Return the columns that the settings use and their coefficients, from the sums of products of parts."""
        count = sum(number for *_, number in sums)
        kept = min(settings.components, self._width)
        columns = np.r_[:kept, self._width : len(sums[0][0])]
        scales = np.full(len(columns), settings.word_length)
        scales[:kept], scales[-1] = 1 / np.sqrt(kept), 100.0  # the constant is hardly penalised
        products = sum(gram for gram, *_ in sums)[np.ix_(columns, columns)] * np.outer(scales, scales) / count
        products[np.diag_indices_from(products)] += settings.penalty
        wanted = sum(products for _, products, _ in sums)[columns] * scales[:, None] / count
        return columns, (np.linalg.solve(products, wanted) * scales[:, None]).astype(np.float32)

    def _rows(self, images: Matrix, prompts: Sequence[str]) -> Matrix:
        distinct = {prompt: number for number, prompt in enumerate(dict.fromkeys(prompts))}
        texts = np.stack([words(prompt) for prompt in distinct])[:, self._used] * self._rarity
        texts /= np.maximum(np.linalg.norm(texts, axis=1, keepdims=True), 1e-6)
        constant = np.ones((len(images), 1), np.float32)
        return np.hstack([images, texts[[distinct[prompt] for prompt in prompts]], constant])


def _parts(episodes: Sequence[int]) -> Iterator["NDArray[np.int64]"]:
    """Yield the rows of each part of the episodes."""
    part_of = {episode: number % FOLDS for number, episode in enumerate(sorted(set(episodes)))}
    parts = np.array([part_of[episode] for episode in episodes])
    for number in sorted(set(part_of.values())):
        yield np.flatnonzero(parts == number)
