"""The contract of prompt builders."""

from abc import abstractmethod

from pgen.components.base import Component, OptionsT
from pgen.records import Prompt, Sample


class PromptBuilder(Component[OptionsT]):
    """Builds the prompt of a sample: a pure function of the sample, the options and the seed."""

    kind = "prompt"

    def open(self) -> None:
        """Check what the options name, such as a file. Raises ConfigError."""

    @abstractmethod
    def build(self, sample: Sample, seed: int) -> Prompt:
        """Return the prompt: its text, and the JSON Schema of the reply."""

    @abstractmethod
    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        """Return a reply that the schema of `build(sample, seed)` accepts."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a value that changes whenever the prompt's text does, such as its hash."""
