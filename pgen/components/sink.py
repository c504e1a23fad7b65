"""The contract of sinks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pgen.components.base import Component
from pgen.components.progress import Phase, silent
from pgen.components.source import Source
from pgen.records import Annotation, Episode


@dataclass(frozen=True, slots=True)
class Results:
    """What a run hands to its sinks: each episode with its annotations, read as often as a sink wants.

    `manifest` is the provenance that the sinks store; `phase` shows the progress of what takes long in writing.
    """

    source: Source
    manifest: dict[str, Any]
    read: Callable[[], Iterator[tuple[Episode, list[Annotation]]]]
    phase: Phase = silent

    @property
    def generator(self) -> str:
        """The generator's name, for outputs that have to say where their text comes from."""
        return str(self.manifest["generator"]["name"])


class Sink(Component):
    """One form of the output."""

    kind = "sink"
    builds_on: ClassVar[str | None] = None
    """The sink whose output this one adds to: it comes along and writes first, whether it is named or not."""

    def open(self, source: Source) -> None:
        """Check that this source can be written in this form. Raises ConfigError or InputError."""

    def write(self, results: Results, out: Path) -> None:
        """Write into the folder `out`, which exists and becomes the output once every sink is done."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def needs_bytes(self, source: Source) -> int:
        """An upper estimate of the room on the disk, in bytes."""
        return 0

    def shared_bytes(self, source: Source) -> int:
        """How much more is needed where the output is on another file system than the input, in bytes."""
        return 0
