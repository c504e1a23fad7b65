"""The contract of sinks."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pgen.components.base import Component, OptionsT
from pgen.components.progress import Phase, silent
from pgen.components.source import Source
from pgen.labels import Labelling
from pgen.records import Annotation, Episode


@dataclass(frozen=True, slots=True)
class Results:
    """What a run passes to its sinks.

    `read` iterates over each episode with its annotations and may be called repeatedly. `manifest` is the provenance
    that sinks store. `phase` shows the progress of long writes.
    """

    source: Source
    manifest: dict[str, Any]
    read: Callable[[], Iterator[tuple[Episode, list[Annotation]]]]
    phase: Phase = silent

    @property
    def generator(self) -> str:
        """The generator's name, for outputs that state where their text comes from."""
        return str(self.manifest["generator"]["name"])

    @property
    def labelling(self) -> Labelling:
        """How frames are labelled."""
        return Labelling.of_run(self.manifest.get("run", {}))


class Sink(Component[OptionsT]):
    """Writes the output in one format."""

    kind = "sink"
    builds_on: ClassVar[str | None] = None
    """The sink whose output this one extends. That sink is added to the run if necessary, and writes first."""
    new_output_only: ClassVar[frozenset[str]] = frozenset()
    """Options that are refused where the run writes in place."""

    def open(self, source: Source) -> None:
        """Check that this source can be written in this format. Raises ConfigError or InputError."""

    @abstractmethod
    def write(self, results: Results, out: Path) -> None:
        """Write into the existing, empty folder `out`, which is published after the last sink."""

    def needs_bytes(self, source: Source) -> int:
        """Return an upper estimate of the disk space that the output needs, in bytes."""
        return 0

    def shared_bytes(self, source: Source) -> int:
        """Return the additional bytes needed where the output is on another file system than the input."""
        return 0
