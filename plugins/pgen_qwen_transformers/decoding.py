"""Decoding a batch: the grammar of a JSON Schema masks the logits, then each row chooses a token.

White space between JSON tokens is forbidden, so that a reply cannot consist of it without end. Schema keywords that
llguidance does not know are left to the validation of the reply. At temperature 0 the largest allowed logit is taken;
a mask is made only for a row whose largest logit the grammar forbids. Above, each row draws one number per step from
its own seed, so that its reply does not depend on the other rows.
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

    def choice(self, row: int, likely: int) -> int | None:
        """Return what a row takes without a mask: the only token that is allowed, or the most likely one if it may.

        None where only a mask shows what is allowed.
        """
        stops, matcher = self._grammars.stops, self._matchers[row]
        if likely in stops and (self._ended[row] or matcher.is_accepting()):
            return likely
        if self._ended[row]:
            return None
        # A mask allows no other beginning of a text that is determined, which `validate_tokens` would.
        if forced := matcher.compute_ff_tokens():
            return int(forced[0])
        return likely if likely not in stops and matcher.validate_tokens([likely]) else None

    def forbidden(self, rows: Sequence[int]) -> "NDArray[bool_]":
        """Return a mask of some rows of the batch, with one column per token."""
        import numpy
        from llguidance.numpy import fill_next_token_bitmask_par

        bits = self._bits[: len(rows)]
        active = [(self._matchers[row], place) for place, row in enumerate(rows) if not self._ended[row]]
        if active:
            fill_next_token_bitmask_par(self._grammars.executor, active, bits)
        for place, row in enumerate(rows):
            if self._ended[row]:
                bits[place] = self._stop_bits
        mask = numpy.unpackbits(numpy.invert(bits).view(numpy.uint8), axis=1, bitorder="little")
        return mask[:, : self._grammars.width].view(numpy.bool_)


class Decoding:
    """A logits processor for one call of `generate` with greedy search: the chosen token gets the largest logit."""

    def __init__(
        self, rows: Rows, seeds: Sequence[int], temperature: float, top_p: float, cancelled: Callable[[], bool]
    ) -> None:
        self._rows = rows
        self._random = [Random(seed) for seed in seeds]
        self._temperature, self._top_p = temperature, top_p
        self._cancelled = cancelled
        self._started = False

    def __call__(self, input_ids: "Tensor", scores: "Tensor") -> "Tensor":
        if self._cancelled():
            raise RuntimeError("the run was stopped")
        if self._started:
            self._rows.advance(input_ids[:, -1].tolist())
        self._started = True
        return self._drawn(scores) if self._temperature else self._most_likely(scores)

    # Both work in place: `generate` passes a copy, and allocating another of this width costs more than the rest.

    def _most_likely(self, scores: "Tensor") -> "Tensor":
        """Give each row's token the largest logit; a mask is made only where the most likely one is forbidden."""
        likely = _largest(scores)
        tokens = [self._rows.choice(row, token) for row, token in enumerate(likely)]
        unknown = [row for row, token in enumerate(tokens) if token is None]
        if unknown:
            for row, token in zip(unknown, _largest(self._masked(scores[unknown], unknown)), strict=True):
                tokens[row] = token
        changed = [row for row, token in enumerate(tokens) if token != likely[row]]
        if changed:
            scores[changed, [tokens[row] for row in changed]] = float("inf")
        return scores

    def _drawn(self, scores: "Tensor") -> "Tensor":
        import torch

        draws = torch.tensor([random.random() for random in self._random], dtype=torch.float32)
        masked = self._masked(scores, range(len(scores)))
        tokens = draw(masked.div_(self._temperature), draws.to(scores.device), self._top_p)
        return scores.fill_(float("-inf")).scatter_(1, tokens[:, None], 0.0)

    def _masked(self, scores: "Tensor", rows: Sequence[int]) -> "Tensor":
        import torch

        return scores.masked_fill_(torch.from_numpy(self._rows.forbidden(rows)).to(scores.device), float("-inf"))


def _largest(scores: "Tensor") -> list[int]:
    """Return the first of the largest logits of each row. On the CPU, numpy finds it in a tenth of torch's time."""
    best = scores.numpy().argmax(-1) if scores.device.type == "cpu" else scores.argmax(-1)
    tokens: list[int] = best.tolist()
    return tokens


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
