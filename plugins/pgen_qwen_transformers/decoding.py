"""Decoding a batch: the grammar of a JSON Schema masks the logits, then each row chooses a token.

White space between JSON tokens is forbidden, so that a reply cannot consist of it without end. Schema keywords that
llguidance does not know are left to the validation of the reply. At temperature 0 the largest allowed logit is taken.
Above, each row draws one number per step from its own seed, so that its reply does not depend on the other rows.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, Any

from pgen.errors import ConfigError

if TYPE_CHECKING:
    from llguidance import LLMatcher
    from numpy import bool_
    from numpy.typing import NDArray
    from torch import Tensor


_OPTIONS = {"whitespace_flexible": False, "lenient": True}


class Grammars:
    """The grammars of one tokenizer. `width` is the width of the logits, `stops` are all end-of-sequence ids."""

    def __init__(self, tokenizer: Any, width: int, stops: Sequence[int]) -> None:
        from llguidance import LLExecutor, LLTokenizer

        backend = type(tokenizer.backend_tokenizer).from_str(tokenizer.backend_tokenizer.to_str())
        backend.no_padding()
        backend.no_truncation()
        self._tokenizer: LLTokenizer = LLTokenizer(backend.to_str(), n_vocab=width, eos_token=list(stops))
        self.executor = LLExecutor()
        self.width = width
        self.stops = frozenset(stops)
        self._compiled = lru_cache(maxsize=64)(self._compile)

    def rows(self, schemas: Sequence[Mapping[str, Any]]) -> "Rows":
        """Return the state of a batch, with one row per schema."""
        return Rows(self, [self._compiled(json.dumps(schema)).deep_copy() for schema in schemas])

    def _compile(self, schema: str) -> "LLMatcher":
        from llguidance import LLMatcher

        matcher = LLMatcher(
            self._tokenizer, LLMatcher.grammar_from_json_schema(schema, overrides=_OPTIONS), log_level=0
        )
        if matcher.is_error():
            raise ConfigError(
                f"the reply schema of this prompt cannot be decoded to: {matcher.get_error()}. Simplify the schema."
            )
        return matcher


class Rows:
    """The tokens that each row of a batch may take next: after its end, only end-of-sequence tokens."""

    def __init__(self, grammars: Grammars, matchers: list["LLMatcher"]) -> None:
        from llguidance.numpy import allocate_token_bitmask

        self._grammars = grammars
        self._matchers = matchers
        self._ended = [False] * len(matchers)
        self._bits = allocate_token_bitmask(len(matchers), grammars.width)
        self._stop_bits = self._bits[0] * 0
        for stop in grammars.stops:
            self._stop_bits.view("uint32")[stop // 32] |= 1 << (stop % 32)

    def advance(self, tokens: Sequence[int]) -> None:
        """Append one token per row."""
        for row, token in enumerate(tokens):
            if self._ended[row]:
                continue
            if token in self._grammars.stops:
                self._ended[row] = True
            elif not self._matchers[row].consume_token(token):
                raise RuntimeError(f"the grammar refused a token it had allowed: {self._matchers[row].get_error()}")

    def forbidden(self) -> "NDArray[bool_]":
        """Return a mask with one row per request and one column per token."""
        import numpy
        from llguidance.numpy import fill_next_token_bitmask_par

        active = [(matcher, row) for row, matcher in enumerate(self._matchers) if not self._ended[row]]
        if active:
            fill_next_token_bitmask_par(self._grammars.executor, active, self._bits)
        for row, ended in enumerate(self._ended):
            if ended:
                self._bits[row] = self._stop_bits
        bits = numpy.unpackbits(numpy.invert(self._bits).view(numpy.uint8), axis=1, bitorder="little")
        return bits[:, : self._grammars.width].view(numpy.bool_)


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
