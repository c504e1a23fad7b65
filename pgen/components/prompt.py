"""The contracts of prompt builders."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from pgen.components.base import Component, OptionsT
from pgen.records import Prompt, Question, Sample


class PromptBuilder(Component[OptionsT]):
    """Builds the prompt of a sample: a pure function of the sample, the options and the seed."""

    kind = "prompt"
    variants: ClassVar[int] = 1
    """The number of wordings of each dialogue, where the run sets none."""

    def open(self) -> None:
        """Check what the options name, such as a file. Raises ConfigError."""

    def questions(self, samples: Sequence[Sample], seed: int) -> Sequence[Sequence[Question]]:
        """Return which dialogues to request at each of an episode's moments, which come in order; without variants.

        `seed` is the run's.
        """
        return [(Question(),) for _ in samples]

    @abstractmethod
    def build(self, sample: Sample, seed: int) -> Prompt:
        """Return the prompt: its text, and the JSON Schema of the reply."""

    @abstractmethod
    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        """Return a reply that the schema of `build(sample, seed)` accepts."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a value that changes whenever the prompt's text does, such as its hash."""


class MomentPromptBuilder(PromptBuilder[OptionsT]):
    """Builds one prompt for all dialogues of a moment."""

    variants = 3

    @abstractmethod
    def build_moment(self, samples: Sequence[Sample], seed: int) -> Prompt:
        """Return the prompt about samples of one moment, with a plan for each; `schema` is that of one dialogue.

        The text lists the samples by their numbers, from 1, and asks for a JSON object with `seen` (what is visible),
        `fits` (whether that can be the moment described) and `dialogues`, each with its `number`.
        """

    def build(self, sample: Sample, seed: int) -> Prompt:
        return self.build_moment((sample,), seed)
