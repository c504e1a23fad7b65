"""The episodes of a result with their lines, which stay on the disk: an episode is read when it is needed.

Its frames and skills are columns of a table. Its lines are read from their file, and compared with a checksum.
"""

import json
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pgen.records import Episode, Skill
from pgen_results.reading import Line, with_exchanges
from pgen_review.events import Key
from pgen_review.line_store import LineStore
from pgen_review.sample_table import Ragged
from pgen_review.unedited import Unedited

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class EpisodeTable:
    """The episodes in their order, as they were before the review.

    `records` are their members except their times, as JSON. Where `lines` begin and end in their file is in bytes,
    each range with a checksum.
    """

    indices: "NDArray[np.int64]"
    firsts: "NDArray[np.int64]"
    """The number of the first sample of each episode."""
    line_ends: "NDArray[np.int64]"
    """The byte behind the last line of each episode; the lines of the next one begin there."""
    checksums: "NDArray[np.uint32]"
    times: Ragged
    records: Ragged
    skill_names: list[str]

    def episode(self, place: int) -> Episode:
        """Return an episode."""
        record = json.loads(self.records.at(place).tobytes())
        skills, phases = (tuple(Skill(*skill) for skill in record.pop(name)) for name in ("skills", "phases"))
        lists: dict[str, Any] = {name: tuple(record.pop(name)) for name in ("cameras", "elsewhere")}
        times = array("d", self.times.at(place).tobytes())
        return Episode(int(self.indices[place]), timestamps=times, skills=skills, phases=phases, **lists, **record)


class EpisodeTableBuilder:
    """Makes the table of the episodes that are added."""

    def __init__(self) -> None:
        self._indices, self._firsts = array("q"), array("q")
        self._counts: list[int] = []
        self._times: list[array[float]] = []
        self._records: list[bytes] = []
        self._skill_names: set[str] = set()

    def add(self, episode: Episode, first: int, lines: int) -> None:
        """Add an episode with the number of its first sample and of its lines in the file."""
        self._indices.append(episode.index)
        self._firsts.append(first)
        self._counts.append(lines)
        self._times.append(episode.timestamps)
        self._records.append(_record(episode).encode())
        self._skill_names.update(skill.name for skill in episode.skills)

    def build(self, store: LineStore | None) -> EpisodeTable:
        """Return the table."""
        ranges = list(store.ranges(self._counts) if store else ((0, 0) for _ in self._counts))
        return EpisodeTable(
            indices=np.frombuffer(self._indices, np.int64),
            firsts=np.frombuffer(self._firsts, np.int64),
            line_ends=np.array([end for end, _ in ranges], np.int64),
            checksums=np.array([checksum for _, checksum in ranges], np.uint32),
            times=Ragged.of(self._times, "f8"),
            records=Ragged.of(self._records, "u1"),
            skill_names=sorted(self._skill_names),
        )


def _record(episode: Episode) -> str:
    skills, phases = (
        [[it.name, it.start, it.end, it.failed] for it in spans] for spans in (episode.skills, episode.phases)
    )
    members = {"id": episode.id, "task": episode.task, "fps": episode.fps, "skills": skills, "phases": phases}
    return json.dumps({**members, "cameras": episode.cameras, "elsewhere": episode.elsewhere})


@dataclass(frozen=True, slots=True)
class Stored:
    """An episode of a result. Its lines are as they were before the review."""

    episodes: "Episodes"
    place: int

    @property
    def first(self) -> int:
        """The number of its first line among the lines of all episodes."""
        return int(self.episodes.table.firsts[self.place])

    @property
    def episode(self) -> Episode:
        """The episode, which is decoded each time."""
        return self.episodes.table.episode(self.place)

    @property
    def lines(self) -> list[Line]:
        """Its lines, which are read each time. Raises InputError where the file changed."""
        return self.episodes.lines(self.place)


def original_line(line: Line) -> Line:
    """Return a line as it was before it was reviewed."""
    review = line.get("review") or {}
    return {name: value for name, value in line.items() if name != "review"} | (review.get("original") or {})


class Episodes(Mapping[int, Stored]):
    """The episodes of a result by their indices.

    `written` are the dialogues whose lines hold what the events of the review say of them, and `before` the episodes
    whose spans the review edited.
    """

    def __init__(
        self, table: EpisodeTable, store: LineStore | None, written: Collection[Key], before: Mapping[int, Unedited]
    ) -> None:
        self.table = table
        self._store, self._written, self._before = store, written, before
        self._places = {index: place for place, index in enumerate(table.indices.tolist())}

    def __getitem__(self, index: int) -> Stored:
        return Stored(self, self._places[index])

    def __iter__(self) -> Iterator[int]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def lines(self, place: int) -> list[Line]:
        """Return the lines of the episode at a place. Raises InputError where the file changed."""
        table = self.table
        if stored := self._before.get(int(table.indices[place])):
            return stored.lines
        if self._store is None:
            return []
        start = int(table.line_ends[place - 1]) if place else 0
        lines = self._store.read(start, int(table.line_ends[place]), int(table.checksums[place]))
        if not all("scope" in line for line in lines):
            lines = with_exchanges(lines, table.episode(place))
        return [original_line(line) if Key.of_line(line) in self._written else line for line in lines]
