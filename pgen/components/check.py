"""The base class of checks, and what a check is told besides the dialogue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pgen.components.base import Component
from pgen.records import Annotation, Finding


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may know besides a dialogue.

    What follows `language` is there for checks of the whole run: how many `samples` that has, the `earlier`
    dialogues of the episode, and `occurrences(text)`, which counts a text and says how often it came so far.
    """

    language: str = "en"
    samples: int = 0
    earlier: Sequence[Annotation] = ()
    occurrences: Callable[[str], int] = field(default=lambda text: 1)


class Check(Component):
    """What is wrong with a dialogue that fits its schema: a pure function of it and its context."""

    kind = "check"
    whole_run: ClassVar[bool] = False
    """Whether it looks at other dialogues. It is then made once all are there, in the order of the samples."""

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        """What is wrong with `annotation.dialogue`, which is there, or None. The worst, where it is several."""
        raise NotImplementedError  # abstract: whoever implements this kind says it
