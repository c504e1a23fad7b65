"""The contract of prompt builders."""

from pgen.components.base import Component
from pgen.records import Prompt, Sample


class PromptBuilder(Component):
    """The request for a sample: a pure function of the sample, the options and the seed."""

    kind = "prompt"

    def open(self) -> None:
        """Check what the options name, such as a file. Raises ConfigError."""

    def build(self, sample: Sample, seed: int) -> Prompt:
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def example(self, sample: Sample, seed: int) -> dict[str, str]:
        """A reply to `build(sample, seed)` that its own schema accepts."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def fingerprint(self) -> str:
        """Changes whenever the wording changes: the hash of the prompt's text."""
        raise NotImplementedError  # abstract: whoever implements this kind says it
