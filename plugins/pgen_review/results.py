"""The results that are reviewed: every episode with its lines, in memory, and the queue of their samples."""

import json
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pgen.cli import ProgressBar
from pgen.components import Source
from pgen.errors import InputError
from pgen.labels import Labelling
from pgen.records import Episode
from pgen_lerobot.read import LeRobotSource
from pgen_results.reading import Line, has_dialogue, is_segmentation, open_results, open_segmentation
from pgen_review import unedited
from pgen_review.events import Key
from pgen_review.pictures import Pictures
from pgen_review.queue import Queue


@dataclass(frozen=True, slots=True)
class Stored:
    """An episode with its lines, which are compressed: there may be hundreds of thousands."""

    episode: Episode
    packed: bytes
    first: int
    """The number of its first line among the lines of all episodes."""

    @property
    def lines(self) -> list[Line]:
        return list(json.loads(zlib.decompress(self.packed)))


@dataclass(frozen=True, slots=True)
class Review:
    """Results as they are served: their lines as they were before this review.

    `labelling` says how the labels of frames are drawn. `keys` identify the samples, in the order of their numbers.
    `manifest` is empty for a segmentation without dialogue.
    """

    folder: Path
    episodes: dict[int, Stored]
    queue: Queue
    keys: list[Key]
    labelling: Labelling
    pictures: Pictures
    source: LeRobotSource
    manifest: dict[str, Any]
    blind: bool = False
    """Whether findings and scores are hidden."""

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def skill_names(self) -> list[str]:
        """Return the names of all skills."""
        return sorted({skill.name for stored in self.episodes.values() for skill in stored.episode.skills})


def original_line(line: Line) -> Line:
    """Return a line as it was before it was reviewed."""
    review = line.get("review") or {}
    return {name: value for name, value in line.items() if name != "review"} | (review.get("original") or {})


@contextmanager
def open_review(
    folder: Path, root: Path | None = None, written: Collection[Key] = (), *, blind: bool = False
) -> Iterator[Review]:
    """Open an output of `annotate` or `segment`. Raises InputError or ConfigError.

    `written` are the dialogues whose lines hold what the events of the review say of them.
    """
    if is_segmentation(folder) and not has_dialogue(folder):
        with open_segmentation(folder, root) as segmentation:
            source = _dataset_of(folder, segmentation.source, segmentation.no_images)
            spans_alone = ((episode, list[Line]()) for episode in segmentation.read())
            review = _read(folder, source, spans_alone, Labelling(), {}, written)
            with review.pictures.reading():
                yield review
    else:
        with open_results(folder, root) as results:
            source = _dataset_of(folder, results.source, results.no_images)
            labelling = Labelling.of_run(results.manifest["run"])
            with ProgressBar() as bar:
                lines = results.shown(bar.phase).read()
                review = _read(folder, source, lines, labelling, results.manifest, written, blind=blind)
            with review.pictures.reading():
                yield review


def _dataset_of(folder: Path, source: Source | None, reason: str) -> LeRobotSource:
    """Return the source, which must be a LeRobot dataset."""
    if source is None:
        raise InputError(f"{folder}: {reason}")
    if not isinstance(source, LeRobotSource):
        raise InputError(f"{folder} was made from the source {source.name}; review plays LeRobot datasets only.")
    return source


def _read(
    folder: Path,
    source: LeRobotSource,
    annotated: Iterable[tuple[Episode, list[Line]]],
    labelling: Labelling,
    manifest: dict[str, Any],
    written: Collection[Key],
    *,
    blind: bool = False,
) -> Review:
    episodes: dict[int, Stored] = {}
    queue = Queue(blind=blind)
    keys: list[Key] = []
    before = unedited.read(folder, written)
    for episode, present in annotated:
        lines = [original_line(line) if Key.of_line(line) in written else line for line in present]
        if stored := before.get(episode.index):
            episode, lines = stored.restored(episode), stored.lines
        keys += [Key.of_line(line) for line in lines]
        packed = zlib.compress(json.dumps(lines).encode(), 1)
        episodes[episode.index] = Stored(episode, packed, len(queue.entries))
        queue.add(lines)
    queue.sort()
    return Review(folder, episodes, queue, keys, labelling, Pictures(source), source, manifest, blind)
