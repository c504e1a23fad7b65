"""The logits processor of a batch: the grammar's mask, then for each row its own choice.

At temperature 0 the largest allowed logit is taken. Above, a row draws one number a step from its own seed
and takes the token on which it falls, so its reply does not depend on the rows beside it.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

from pgen_qwen_transformers.grammar import Rows

if TYPE_CHECKING:
    from torch import Tensor


class Decoding:
    """For one call of `generate` with greedy search: what is chosen here is all that is left to take."""

    def __init__(
        self, rows: Rows, seeds: Sequence[int], temperature: float, top_p: float, cancelled: Callable[[], bool]
    ) -> None:
        self._rows = rows
        self._random = [Random(seed) for seed in seeds]
        self._temperature, self._top_p = temperature, top_p
        self._cancelled = cancelled
        self._begun = False

    def __call__(self, input_ids: "Tensor", scores: "Tensor") -> "Tensor":
        import torch

        if self._cancelled():
            raise RuntimeError("the run was stopped")
        if self._begun:
            self._rows.take(input_ids[:, -1].tolist())
        self._begun = True
        # In place: `generate` hands over a copy, and at this width fresh memory costs more than the rest.
        scores.masked_fill_(torch.from_numpy(self._rows.forbidden()).to(scores.device), float("-inf"))
        if not self._temperature:
            return scores
        draws = torch.tensor([random.random() for random in self._random], dtype=torch.float32)
        tokens = draw(scores.div_(self._temperature), draws.to(scores.device), self._top_p)
        return scores.fill_(float("-inf")).scatter_(1, tokens[:, None], 0.0)


def draw(scores: "Tensor", draws: "Tensor", top_p: float) -> "Tensor":
    """One token a row: the one in whose share of the probability the row's number in [0, 1) falls.

    Shares lie in the order of the vocabulary: near ties, which change order with rounding, change nothing.
    """
    import torch

    shares = scores.softmax(dim=-1)
    if top_p < 1:
        ranked, order = shares.sort(dim=-1, descending=True, stable=True)
        beyond = ranked.cumsum(dim=-1) - ranked >= top_p
        shares = shares.masked_fill(beyond.scatter(1, order, beyond), 0.0)
    sums = shares.cumsum(dim=-1)
    whole = sums[:, -1:].contiguous()
    found = torch.searchsorted(sums, draws[:, None] * whole, right=True)
    last = torch.searchsorted(sums, whole)
    return torch.minimum(found, last)[:, 0]
