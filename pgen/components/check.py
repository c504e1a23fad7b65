"""The contract of checks."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pgen.components.base import Component, OptionsT
from pgen.records import Annotation, Finding


@dataclass(frozen=True, slots=True)
class Context:
    """What a check may use besides the dialogue.

    The fields after `language` are for checks of the whole run: its number of `samples`, the `earlier` dialogues of
    the episode, and `occurrences(text)`, which counts a text and returns how often it has occurred so far.
    """

    language: str = "en"
    samples: int = 0
    earlier: Sequence[Annotation] = ()
    occurrences: Callable[[str], int] = field(default=lambda text: 1)


class Check(Component[OptionsT]):
    """Looks for a defect in a dialogue that fits its schema: a pure function of the dialogue and its context."""

    kind = "check"
    whole_run: ClassVar[bool] = False
    """Whether it looks at other dialogues. It then runs after the last answer, in the order of the samples."""

    @abstractmethod
    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        """Return the worst defect of `annotation.dialogue`, which is not None, or None."""
