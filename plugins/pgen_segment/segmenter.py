"""What splits episodes into skills: one small interface, for rules and for models."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ValidationError

from pgen.components import Component, explain
from pgen.errors import ConfigError, SampleError
from pgen.records import Episode

if TYPE_CHECKING:
    import pyarrow as pa

    from pgen_lerobot.source import LeRobotSource


@dataclass(frozen=True, slots=True)
class Recording:
    """An episode with the columns of its data that the segmenter asked for, a row a frame."""

    episode: Episode
    columns: "Mapping[str, pa.ChunkedArray[Any]]" = field(default_factory=dict)


class Segmenter(Component):
    """Splits an episode into spans. They need not be tidy: `pgen_segment.whole` makes them whole."""

    kind: ClassVar[str] = "segmenter"
    columns: Sequence[str] = ()
    """Columns of the data that `segment` reads; known once it is open."""

    def __init__(self, **options: Any) -> None:
        try:
            self.options: Any = self.Options(**options)
        except ValidationError as error:
            told = "; ".join(explain(self.Options, error))
            raise ConfigError(f"{self.kind} {self.name}: {told}. See `pgen segment --help`.") from None

    def open(self, source: "LeRobotSource") -> None:
        """Check that this dataset can be split. Raises ConfigError or InputError. Called once, first."""

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

    def notes(self) -> Iterator[str]:
        """What a user should know of how the dataset was understood, a line each."""
        return iter(())

    def provenance(self) -> dict[str, Any]:
        """What was found out at run time, as JSON values."""
        return {}
