"""The check `duplicates`: a request that is repeated, nearly so in its episode, or too often in the dataset.

Of two similar requests the later one is the duplicate, in the order of the samples, whichever was answered first.
"""

from functools import lru_cache
from itertools import pairwise
from math import ceil

from pydantic import Field

from pgen.components import Check, Context, Options
from pgen.records import Annotation, Finding

_WORD_ENDS = " \t.,;:!?\"'()…-–—。、！？"


class DuplicatesOptions(Options):
    similarity: float = Field(0.8, gt=0, le=1)
    """From what share of common words and pairs of words on two requests of an episode are nearly the same."""
    share: float = Field(0.01, gt=0, le=1)
    """The share of the run's samples that may have the same request."""
    at_least: int = Field(3, ge=1)
    """How many may have it in any case."""


class Duplicates(Check[DuplicatesOptions]):
    """A request that is nearly an earlier one of its episode, or that too many samples have."""

    name = "duplicates"
    whole_run = True

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        assert annotation.dialogue is not None
        request = annotation.dialogue.user_prompt
        count = context.occurrences(" ".join(_words(request)))
        parts = _parts(request)
        for earlier in reversed(context.earlier):
            other = dialogue.user_prompt if (dialogue := earlier.dialogue) else ""
            if _common(parts, _parts(other)) >= self.options.similarity:
                return Finding("near_duplicate", f"the episode has nearly the same request already ({other!r})")
        if count > max(self.options.at_least, ceil(self.options.share * context.samples)):
            return Finding("repeated", f"{count} samples have this request ({request!r}); say it in another way")
        return None


def similarity(first: str, second: str) -> float:
    """Return the share of words and pairs of adjacent words that two texts have in common, from 0 to 1."""
    return _common(_parts(first), _parts(second))


def _common(first: frozenset[str], second: frozenset[str]) -> float:
    return 2 * len(first & second) / (len(first) + len(second)) if first and second else 0.0


@lru_cache(maxsize=4096)
def _parts(text: str) -> frozenset[str]:
    words = _words(text)
    return frozenset([*words, *(" ".join(pair) for pair in pairwise(words))])


def _words(text: str) -> list[str]:
    stripped = (word.strip(_WORD_ENDS) for word in text.casefold().split())
    words = [word for word in stripped if word]
    return words if len(words) > 1 else list(text.casefold().strip(_WORD_ENDS))
