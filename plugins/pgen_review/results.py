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
from pgen_lerobot.format import digest
from pgen_lerobot.read import LeRobotSource
from pgen_results.reading import Line, open_results, open_segmentation
from pgen_review import unedited
from pgen_review.episode_rows import row_of
from pgen_review.event_file import Contents
from pgen_review.events import Key
from pgen_review.index_file import IndexFile, Tables, key_of
from pgen_review.line_store import LineStore, lines_of
from pgen_review.pictures import Pictures
from pgen_review.places import SKILLS, is_spans_alone, name_in, spans_digest
from pgen_review.queue import Queue
from pgen_review.sample_table import Keys, SampleTable, SampleTableBuilder
from pgen_review.stored_episodes import Episodes, EpisodeTable, EpisodeTableBuilder, original_line
from pgen_review.unedited import Unedited


@dataclass(frozen=True, slots=True)
class Review:
    """Results as they are served: their lines as they were before this review.

    `labelling` says how the labels of frames are drawn. `keys` identify the samples, in the order of their numbers.
    `digest` is the hash of the lines. A segmentation without dialogue has no lines: its samples are its episodes,
    `digest` is the hash of its skills, and `manifest` its record.
    """

    folder: Path
    digest: str
    spans: str
    """The hash of the skills of dialogues, "" without any."""
    episodes: Episodes
    queue: Queue
    keys: Keys
    labelling: Labelling
    pictures: Pictures
    source: LeRobotSource
    manifest: dict[str, Any]
    is_segmentation: bool
    blind: bool
    """Whether findings and scores are hidden."""
    is_indexed: bool
    """Whether the tables come from an index."""

    @property
    def contents(self) -> Contents:
        """What a review of the results is about."""
        return Contents(self.digest, self.spans)

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    def skill_names(self) -> list[str]:
        """Return the names of all skills."""
        return self.episodes.table.skill_names


@dataclass(frozen=True, slots=True)
class _Content:
    """What a result contains. `read` yields its episodes, and shows its progress in a phase.

    `store` is None for a segmentation.
    """

    source: LeRobotSource
    store: LineStore | None
    digest: str
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
        before = unedited.read(folder, written)
        file = IndexFile(folder, key_of(folder, source, content.digest, written), blind=blind) if index else None
        tables = file.load() if file else None
        is_indexed = tables is not None
        if tables is None:
            with ProgressBar() as bar:
                samples, episodes = _read(content, bar.phase, written, before, blind=blind)
            tables = Tables(samples, episodes, spans_digest(folder))
            if file:
                file.store(tables)
        release_memory()
        labelling = Labelling.of_run(manifest["run"]) if store else Labelling()
        pictures = Pictures(source)
        with pictures.reading():
            stored = Episodes(tables.episodes, store, written, before)
            queue, keys = Queue(tables.samples, blind=blind), Keys(tables.samples)
            yield Review(
                folder=folder,
                digest=content.digest,
                spans=tables.spans,
                episodes=stored,
                queue=queue,
                keys=keys,
                labelling=labelling,
                pictures=pictures,
                source=source,
                manifest=manifest,
                is_segmentation=store is None,
                blind=blind,
                is_indexed=is_indexed,
            )


@contextmanager
def _opened(folder: Path, root: Path | None) -> Iterator[_Content]:
    if is_spans_alone(folder):
        skills = digest(folder / name_in(folder, SKILLS))
        with open_segmentation(folder, root) as segmentation:
            source = _dataset_of(folder, segmentation.source, segmentation.no_images)
            yield _Content(
                source, None, skills, segmentation.record, lambda _: ((it, []) for it in segmentation.read())
            )
    else:
        with ExitStack() as stack:
            results = stack.enter_context(open_results(folder, root))
            source = _dataset_of(folder, results.source, results.no_images)
            path = lines_of(folder)
            assert path is not None  # the results were opened
            store = stack.enter_context(LineStore(path))
            yield _Content(source, store, store.digest, results.manifest, lambda phase: results.shown(phase).read())


def _dataset_of(folder: Path, source: Source | None, reason: str) -> LeRobotSource:
    """Return the source, which must be a LeRobot dataset."""
    if source is None:
        raise InputError(f"{folder}: {reason}")
    if not isinstance(source, LeRobotSource):
        raise InputError(f"{folder} was made from the source {source.name}; review plays LeRobot datasets only.")
    return source


def release_memory() -> None:
    """Return memory to the system that reading needed: allocators retain it for the next use."""
    pa.default_memory_pool().release_unused()
    getattr(CDLL(None), "malloc_trim", lambda _: 0)(0)  # glibc alone has it


def _read(
    content: _Content, phase: Phase, written: Collection[Key], before: Mapping[int, Unedited], *, blind: bool
) -> tuple[SampleTable, EpisodeTable]:
    """Read every line. Raises InputError, also where the lines change meanwhile."""
    samples, episodes = SampleTableBuilder(blind=blind), EpisodeTableBuilder()
    for episode, present in content.read(phase):
        lines = [original_line(line) if Key.of_line(line) in written else line for line in present]
        if stored := before.get(episode.index):
            episode, lines = stored.restored(episode), stored.lines
        episodes.add(episode, len(samples), len(present))
        if content.store:
            samples.add(lines)
        else:
            samples.add_row(row_of(episode))
    if content.store:
        content.store.check()
    return samples.build(), episodes.build(content.store)
