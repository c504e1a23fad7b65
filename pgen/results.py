"""What a run hands to its sinks: every episode with its annotations, read as often as a sink wants."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pgen.components import Source
from pgen.records import Annotation, Episode


@dataclass(frozen=True, slots=True)
class Results:
    """A finished run. `manifest` is the provenance that the sinks store (schema `manifest`)."""

    source: Source
    manifest: dict[str, Any]
    read: Callable[[], Iterator[tuple[Episode, list[Annotation]]]]

    @property
    def generator(self) -> str:
        """The generator's name, for outputs that have to say where their text comes from."""
        return str(self.manifest["generator"]["name"])
