"""Splitting episodes into skills: one small interface, for rules and for models.

The job that drives a segmenter, and writes what it finds, is the plugin `segment`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pgen.components.base import Component, OptionsT
from pgen.components.generator import Generator
from pgen.components.source import Source
from pgen.errors import SampleError
from pgen.records import Episode
from pgen.storage.journal import Journal

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Recording:
    """An episode with the columns of its data that the segmenter asked for, a row a frame."""

    episode: Episode
    columns: "Mapping[str, pa.ChunkedArray[Any]]" = field(default_factory=dict)


class Segmenter(Component[OptionsT]):
    """Splits an episode into spans. They need not be tidy: the job makes them whole."""

    kind = "segmenter"
    asks: ClassVar[bool] = False
    """Whether it asks a generator: `connect` is then called once it is open, before `answers`."""
    views: ClassVar[int | None] = 0
    """How many cameras it looks at, at most; None for all that are chosen."""
    columns: Sequence[str] = ()
    """Columns of the data that `segment` reads; known once it is open."""

    def open(self, source: Source) -> None:
        """Check that this dataset can be split. Raises ConfigError or InputError. Called once, first."""

    def planned(self, episode: Episode) -> Mapping[str, int]:
        """What an episode will cost, counted: such as windows, questions and pictures. Asks nothing."""
        return {}

    def connect(self, generator: Generator, journal: Journal, seed: int) -> None:
        """Take whom to ask, and the journal that holds what was answered before."""

    def segment(self, recording: Recording) -> Any:
        """The spans (schema `segments`), in any order. Raises SampleError where this episode has none."""
        raise NotImplementedError

    def answers(self, recordings: Iterable[Recording]) -> Iterator[tuple[Episode, Any]]:
        """Each episode with its spans, or with the SampleError that says why it has none.

        One after the other; a segmenter that waits for answers may have several episodes under way.
        """
        for recording in recordings:
            try:
                yield recording.episode, self.segment(recording)
            except SampleError as error:
                yield recording.episode, error

    def fingerprint(self) -> str:
        """Changes whenever the wording of its questions does; empty where it asks none."""
        return ""

    def notes(self) -> Iterator[str]:
        """What a user should know of how the dataset was understood, a line each."""
        return iter(())

    def provenance(self) -> dict[str, Any]:
        """What was found out at run time, as JSON values."""
        return {}
