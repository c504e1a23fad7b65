"""The sink `lerobot`: the source's dataset again, with a dialogue for each frame.

Everything is written anew or carried over into an empty folder; the source is only read. What can be wrong
with the input is found by `open`, before anything is paid for.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from pgen.components import Results, Sink, Source
from pgen.components.options import Options
from pgen.errors import ConfigError, InputError
from pgen.formats import syn_annotations as annotations
from pgen.run import manifest
from pgen.storage.in_place import stages
from pgen_lerobot.format import (
    COLUMN,
    EDITED,
    TASK_ROWS,
    Dataset,
    check_readable,
    digest,
    frame_columns,
    read_task_rows,
    walk,
)
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.write import carried_files
from pgen_lerobot.write.card import Counts, write_card
from pgen_lerobot.write.carried_files import CarriedVideos, carry_over, copied_bytes
from pgen_lerobot.write.kept_skills import KEPT_SKILLS, check_found, with_skills, write_found
from pgen_lerobot.write.labelling import Annotated, Labeller
from pgen_lerobot.write.metadata import INFO, STATS, check_metadata, write_info, write_stats
from pgen_lerobot.write.shards import check_shards, rewrite_shard, shard_names
from pgen_lerobot.write.task_rows import TaskRows

LINES = f"meta/{annotations.FILE}"
MANIFEST = "meta/pgen/manifest.json"
REPORT = "report.html"
"""Of the sink and the command `report`; that of the input is about another run."""
CARD = "README.md"
_OWN = {LINES, MANIFEST, KEPT_SKILLS, REPORT}
_ROOM_PER_FRAME = 16
_ROOM_AT_LEAST = 16_000_000


class LeRobotSinkOptions(Options):
    overwrite: bool = False
    """Replace the column where the dataset has it already."""
    unlabelled: Literal["task", "-1"] = "task"
    """What a frame without a dialogue points at: its own task, or -1 (to LeRobot, the last row)."""
    copy_videos: bool = False
    """Copy the videos, where they would be clones of the input's or hard links to them."""
    segmented: Path | None = None
    """The folder with the skills that `--segment` finds: they become the output's own."""


class LeRobotSink(Sink[LeRobotSinkOptions]):
    """A new LeRobot dataset of the version it read: the column task_index_high_level, with tasks, stats and card."""

    name = "lerobot"
    new_output_only = frozenset({"copy_videos"})

    def open(self, source: Source) -> None:
        dataset = _dataset(source)
        if COLUMN in dataset.features and not self.options.overwrite:
            path = dataset.root / INFO
            raise InputError(f"{path} has the feature {COLUMN} already; replace it with --overwrite.")
        if self.options.segmented:
            check_found(dataset.root, self.options.overwrite)
        check_readable(dataset.root)
        check_shards(dataset, self.options.overwrite)
        check_metadata(dataset)
        dataset.layout.stats.names()
        read_task_rows(dataset.root / TASK_ROWS)

    def needs_bytes(self, source: Source) -> int:
        """Without the videos, which are shared where OUT is on the same file system, unless they are to be copied."""
        dataset = _dataset(source)
        made = {name for name, _ in shard_names(dataset)}
        size = sum((dataset.root / name).stat().st_size for name in made)
        meta = sum(path.stat().st_size for path in dataset.layout.stats.files())
        frames = dataset.layout.frames * _ROOM_PER_FRAME
        copied = copied_bytes(dataset.root, made, copy_videos=self.options.copy_videos)
        return size + 2 * meta + frames + copied + _ROOM_AT_LEAST

    def shared_bytes(self, source: Source) -> int:
        return 0 if self.options.copy_videos else carried_files.shared_bytes(_dataset(source).root)

    def remarks(self) -> tuple[str, ...]:
        carried: CarriedVideos | None = getattr(self, "_carried", None)
        return carried.notes() if carried else ()

    def write(self, results: Results, out: Path) -> None:
        dataset = _dataset(results.source)
        self._carried = _Writing(results, dataset, out, self.options).write()


@dataclass(slots=True)
class _Writing:
    """One output under way."""

    results: Results
    dataset: Dataset
    out: Path
    options: LeRobotSinkOptions

    def write(self) -> CarriedVideos | None:
        """Write everything; gives how the videos got there, None where they stay in their place."""
        root, out, options = self.dataset.root, self.out, self.options
        unlabelled = None if options.unlabelled == "task" else int(options.unlabelled)
        dialogues = TaskRows(self.dataset.tasks, read_task_rows(root / TASK_ROWS))
        stats = self.dataset.layout.stats.names()
        tasks = self.dataset.layout.tasks_file
        counts = Counts()
        labeller = Labeller(counts.watch(self._read()), dialogues.index, unlabelled, stats)
        hashes = self._shards(labeller, unlabelled)
        dialogues.write_tasks(out / tasks)
        dialogues.write_mirror(out / TASK_ROWS)
        written = [*hashes, tasks, TASK_ROWS, *self._metadata(labeller, len(dialogues))]
        counts.labelled, counts.frames = labeller.labelled, labeller.counts.total()
        counts.dialogues = len(dialogues.used)
        write_card(root / CARD, out / CARD, self.results.manifest, counts, options.unlabelled, self.dataset.layout)
        found = write_found(options.segmented, out) if options.segmented else []
        written += [CARD, LINES, *found, *([KEPT_SKILLS] if self._keeps_skills else [])]
        carried = carry_over(
            self.dataset.files,
            out,
            {*written, *_OWN},
            copy_videos=options.copy_videos,
            phase=self.results.phase,
        )
        in_place = stages(root, out)
        videos = carried_files.recorded(root / MANIFEST) if in_place else carried.as_json()
        kept = (name for name in walk(out) if name.startswith("meta/") and name not in _OWN)
        self._manifest(counts, sorted({*written, *kept}), hashes, videos)
        return None if in_place else carried

    def _read(self) -> Iterator[Annotated]:
        """What the run found, read once: lines and spans are written as the labels are."""
        annotated = annotations.with_lines(self.out / LINES, self.results.read(), self.results.generator)
        return with_skills(self.out / KEPT_SKILLS, annotated) if self._keeps_skills else annotated

    @property
    def _keeps_skills(self) -> bool:
        """Whether the output has to hold the spans of the run, so that the labels can be followed.

        Not where a skills.json in its place has them; but a folder that is written into keeps none of a former run.
        """
        source = self.results.source
        in_place = isinstance(source, LeRobotSource) and source.skills.in_place
        return not in_place or (self.dataset.root / KEPT_SKILLS).exists()

    def _shards(self, labeller: Labeller, unlabelled: int | None) -> dict[str, str]:
        """Each shard's hash by its name."""
        stray = Labeller((), lambda _: 0, unlabelled)
        hashes = {}
        for name, listed in shard_names(self.dataset):
            with self.dataset.shard(name) as shard:
                label = labeller.column if listed else stray.column
                hashes[name] = rewrite_shard(shard, self.out / name, partial(self._labelled, name, label))
        labeller.finish()
        pa.default_memory_pool().release_unused()
        return hashes

    def _labelled(self, name: str, label: Callable[[pa.Table], "pa.Array[Any]"], table: pa.Table) -> "pa.Array[Any]":
        return label(frame_columns(self.dataset, name, table))

    def _metadata(self, labeller: Labeller, total_tasks: int) -> list[str]:
        written = [INFO]
        write_info(self.dataset, self.out / INFO, total_tasks)
        if write_stats(self.dataset, self.out / STATS, labeller.counts):
            written.append(STATS)
        return written + self.dataset.layout.stats.write(self.out, labeller.stats)

    def _manifest(
        self, counts: Counts, written: list[str], hashes: dict[str, str], videos: dict[str, Any] | None
    ) -> None:
        """The card has no hash, since it is there to be edited, nor have the videos, for their size."""
        others = (name for name in written if name not in hashes and name not in EDITED)
        known = hashes | {name: digest(self.out / name) for name in others}
        labels: dict[str, Any] = {
            "column": COLUMN,
            "frames": counts.frames,
            "frames_labelled": counts.labelled,
            "frames_unlabelled": counts.frames - counts.labelled,
            "unlabelled": self.options.unlabelled,
            "dialogues": counts.dialogues,
            "files": dict(sorted(known.items())),
        }
        content = {**self.results.manifest, "labels": labels, "videos": videos}
        manifest.write(self.out / MANIFEST, content)


def _dataset(source: Source) -> Dataset:
    if not isinstance(source, LeRobotSource):
        raise ConfigError(
            f"sink lerobot needs a LeRobot dataset; the source {source.name} is none. Use --source lerobot, "
            f"or --sink {source.output}."
        )
    return source.dataset
