"""The results that are reviewed: the queue of their samples, and every episode with its lines."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pgen.cli import ProgressBar
from pgen.components import Phase, Source
from pgen.errors import InputError
from pgen.labels import Labelling
from pgen.records import Episode
from pgen_lerobot.read import LeRobotSource
from pgen_results.reading import Line, has_dialogue, is_segmentation, open_results, open_segmentation
from pgen_review import unedited
from pgen_review.events import Key
from pgen_review.index_file import IndexFile, Tables, key_of
from pgen_review.line_store import LineStore, lines_of
from pgen_review.pictures import Pictures
from pgen_review.queue import Queue
from pgen_review.sample_table import Keys, SampleTableBuilder
from pgen_review.stored_episodes import Episodes, EpisodeTableBuilder, original_line
from pgen_review.unedited import Unedited


@dataclass(frozen=True, slots=True)
class Review:
    """Results as they are served: their lines as they were before this review.

    `labelling` says how the labels of frames are drawn. `keys` identify the samples, in the order of their numbers.
    `digest` is the hash of the lines. It is empty for a segmentation without dialogue, and so is `manifest`.
    """

    folder: Path
    digest: str
    episodes: Episodes
    queue: Queue
    keys: Keys
    labelling: Labelling
    pictures: Pictures
    source: LeRobotSource
    manifest: dict[str, Any]
    blind: bool
    """Whether findings and scores are hidden."""
    is_indexed: bool
    """Whether the tables come from an index."""

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def skill_names(self) -> list[str]:
        """Return the names of all skills."""
        return self.episodes.table.skill_names


@dataclass(frozen=True, slots=True)
class _Content:
    """What a result contains. `read` yields its episodes, and shows its progress in a phase."""

    source: LeRobotSource
    store: LineStore | None
    manifest: dict[str, Any]
    read: Callable[[Phase], Iterable[tuple[Episode, list[Line]]]]


@contextmanager
def open_review(
    folder: Path,
    root: Path | None = None,
    written: Collection[Key] = (),
    *,
    blind: bool = False,
    index: bool = True,
) -> Iterator[Review]:
    """Open an output of `annotate` or `segment`. Raises InputError or ConfigError.

    `written` are the dialogues whose lines hold what the events of the review say of them. Without `index`, every line
    is read anew.
    """
    with _opened(folder, root) as content:
        store, source, manifest = content.store, content.source, content.manifest
        digest = store.digest if store else ""
        before = unedited.read(folder, written)
        file = IndexFile(folder, key_of(folder, source, digest, written), blind=blind) if index else None
        tables = file.load() if file else None
        is_indexed = tables is not None
        if tables is None:
            with ProgressBar() as bar:
                tables = _read(content, bar.phase, written, before, blind=blind)
            if file:
                file.store(tables)
        samples, episodes = tables
        _release_memory()
        labelling = Labelling.of_run(manifest["run"]) if manifest else Labelling()
        pictures = Pictures(source)
        with pictures.reading():
            stored = Episodes(episodes, store, written, before)
            queue, keys = Queue(samples, blind=blind), Keys(samples)
            yield Review(folder, digest, stored, queue, keys, labelling, pictures, source, manifest, blind, is_indexed)


@contextmanager
def _opened(folder: Path, root: Path | None) -> Iterator[_Content]:
    if is_segmentation(folder) and not has_dialogue(folder):
        with open_segmentation(folder, root) as segmentation:
            source = _dataset_of(folder, segmentation.source, segmentation.no_images)
            yield _Content(source, None, {}, lambda _: ((episode, []) for episode in segmentation.read()))
    else:
        with ExitStack() as stack:
            results = stack.enter_context(open_results(folder, root))
            source = _dataset_of(folder, results.source, results.no_images)
            store = stack.enter_context(LineStore(path)) if (path := lines_of(folder)) else None
            yield _Content(source, store, results.manifest, lambda phase: results.shown(phase).read())


def _dataset_of(folder: Path, source: Source | None, reason: str) -> LeRobotSource:
    """Return the source, which must be a LeRobot dataset."""
    if source is None:
        raise InputError(f"{folder}: {reason}")
    if not isinstance(source, LeRobotSource):
        raise InputError(f"{folder} was made from the source {source.name}; review plays LeRobot datasets only.")
    return source


def _release_memory() -> None:
    """Return memory to the system that reading needed: allocators retain it for the next use."""
    pa.default_memory_pool().release_unused()
    getattr(CDLL(None), "malloc_trim", lambda _: 0)(0)  # glibc alone has it


def _read(
    content: _Content, phase: Phase, written: Collection[Key], before: Mapping[int, Unedited], *, blind: bool
) -> Tables:
    """Read every line. Raises InputError, also where the lines change meanwhile."""
    samples, episodes = SampleTableBuilder(blind=blind), EpisodeTableBuilder()
    for episode, present in content.read(phase):
        lines = [original_line(line) if Key.of_line(line) in written else line for line in present]
        if stored := before.get(episode.index):
            episode, lines = stored.restored(episode), stored.lines
        episodes.add(episode, len(samples), len(present))
        samples.add(lines)
    if content.store:
        content.store.check()
    return samples.build(), episodes.build(content.store)
