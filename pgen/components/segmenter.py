"""The contract of segmenters, which split episodes into skills: by rules, or with a model.

The plugin `segment` drives a segmenter, normalizes its spans and writes them. One that asks a model provides rollouts
and their items; all results come back to `receive`, among them an `EpisodeSpans` for each episode.
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from pgen.components.base import Component, OptionsT
from pgen.components.executor import Work
from pgen.components.generator import Generator, Patches
from pgen.components.source import Source
from pgen.records import Episode, Failure, Usage

if TYPE_CHECKING:
    import pyarrow as pa


USUAL = 3.0
"""Seconds of a skill, about."""
NAMES = ("pick up the object", "put it down")


@dataclass(frozen=True, slots=True)
class Recording:
    """An episode with the columns of its data that the segmenter reads, one row per frame."""

    episode: Episode
    columns: "Mapping[str, pa.ChunkedArray[Any]]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeSpans:
    """The last result of an episode's rollout: its spans (schema `segments`), or why it has none.

    `levels` has the spans of every level of detail by its name, where there are several.
    `recalled` counts results that the journal had, `changes` what was changed in the model's replies, by a note.
    """

    episode_index: int
    outcome: Sequence[Mapping[str, Any]] | Failure
    usage: Usage
    levels: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    recalled: int = 0
    changes: Counter[str] = field(default_factory=Counter)


class Segmenter(Component[OptionsT]):
    """Splits an episode into spans. They need not be disjoint or in order: the job normalizes them."""

    kind = "segmenter"
    asks: ClassVar[bool] = False
    """Whether it asks a model, and needs a generator."""
    views: ClassVar[int | None] = 0
    """How many cameras it reads images of, at most; None for all that are chosen."""
    reads_skills: ClassVar[bool] = False
    """Whether it reads the skills that the dataset has."""
    keeps_spans: ClassVar[bool] = False
    """Whether its spans are those that the dataset has, so that they are not normalized."""
    columns: Sequence[str] = ()
    """Columns of the data that it reads; final once it is open."""

    def open(self, source: Source) -> None:
        """Check that this dataset can be segmented. Raises ConfigError or InputError. Called once, first."""

    def planned(self, recording: Recording, patches: Patches | None = None) -> Mapping[str, int]:
        """Return what an episode will cost, counted, such as windows, requests and images. Sends no request.

        `patches` is how the generator reads images; with it, `tokens_in` and `tokens_out` are estimates.
        """
        return {}

    def expected(self, recording: Recording) -> Any:
        """Return spans like those that it will find, for estimates. Sends no request."""
        return self.segment(recording)

    @abstractmethod
    def segment(self, recording: Recording) -> Any:
        """Return the spans (schema `segments`), in any order. Raises SampleError where this episode has none.

        They may be under `skills` in an object, with those of every level of detail under `levels`.
        """

    def fingerprint(self) -> str:
        """Return what changes whenever its prompts do; empty where it has none."""
        return ""

    def notes(self) -> Iterator[str]:
        """Yield what a user should know of how the dataset was segmented, a line each."""
        return iter(())

    def provenance(self) -> dict[str, Any]:
        """Return what was found out at run time, as JSON values."""
        return {}


class ModelSegmenter(Segmenter[OptionsT]):
    """Asks a model: an executor runs its rollouts, in place of calls of `segment`."""

    asks = True

    def segment(self, recording: Recording) -> Any:
        raise TypeError(f"segmenter {self.name} has rollouts; its `segment` is not called")

    def expected(self, recording: Recording) -> Any:
        """Return spans of equal length, in which an object is picked up and put down in turn."""
        times = recording.episode.timestamps
        count = max(1, round(len(times) / recording.episode.fps / USUAL))
        edges = [times[len(times) * place // count] for place in range(count)] + [times[-1] + USUAL]
        return [{"name": NAMES[i % 2], "start": edges[i], "end": edges[i + 1]} for i in range(count)]

    @abstractmethod
    def work(self, generator: Generator, seed: int) -> Work:
        """Return the rollouts that ask the generator."""

    @abstractmethod
    def rounds(self, recordings: Iterable[Recording]) -> Iterator[Iterator[list[Any]]]:
        """Yield the items of each round in groups; a round is made once the results of the one before are there."""

    @abstractmethod
    def receive(self, result: Any) -> None:
        """Take a result of a rollout, in any order."""
