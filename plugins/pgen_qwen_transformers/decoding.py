"""The logits processor of a batch: the grammar's mask, then the choice of each row.

At temperature 0 the largest allowed logit is taken. Above, each row draws one number per step from its own seed, so
that its reply does not depend on the other rows.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from pgen_qwen_transformers.grammar import Rows

if TYPE_CHECKING:
    from torch import Tensor


class Decoding:
    """A logits processor for one call of `generate` with greedy search: it leaves only the chosen token."""

    def __init__(
        self, rows: Rows, seeds: Sequence[int], temperature: float, top_p: float, cancelled: Callable[[], bool]
    ) -> None:
        self._rows = rows
        self._random = [Random(seed) for seed in seeds]
        self._temperature, self._top_p = temperature, top_p
        self._cancelled = cancelled
        self._started = False

    def __call__(self, input_ids: "Tensor", scores: "Tensor") -> "Tensor":
        import torch

        if self._cancelled():
            raise RuntimeError("the run was stopped")
        if self._started:
            self._rows.advance(input_ids[:, -1].tolist())
        self._started = True
        # In place: `generate` passes a copy, and allocating another of this width costs more than the rest.
        scores.masked_fill_(torch.from_numpy(self._rows.forbidden()).to(scores.device), float("-inf"))
        if not self._temperature:
            return scores
        draws = torch.tensor([random.random() for random in self._random], dtype=torch.float32)
        tokens = draw(scores.div_(self._temperature), draws.to(scores.device), self._top_p)
        return scores.fill_(float("-inf")).scatter_(1, tokens[:, None], 0.0)


def draw(scores: "Tensor", draws: "Tensor", top_p: float) -> "Tensor":
    """Return one token per row: the one whose part of the cumulative probability contains the row's draw in [0, 1).

    Tokens are in the order of the vocabulary, not of their probability: rounding would swap near ties.
    """
    import torch

    probabilities = scores.softmax(dim=-1)
    if top_p < 1:
        ranked, order = probabilities.sort(dim=-1, descending=True, stable=True)
        beyond = ranked.cumsum(dim=-1) - ranked >= top_p
        probabilities = probabilities.masked_fill(beyond.scatter(1, order, beyond), 0.0)
    cumulative = probabilities.cumsum(dim=-1)
    total = cumulative[:, -1:].contiguous()
    drawn = torch.searchsorted(cumulative, draws[:, None] * total, right=True)
    last = torch.searchsorted(cumulative, total)
    return torch.minimum(drawn, last)[:, 0]
