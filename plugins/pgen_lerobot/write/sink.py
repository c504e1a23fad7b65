"""The sink `lerobot`: the source's dataset with a dialogue for each frame.

Everything is written or carried over into an empty folder; the source is only read. `open` checks the input,
before anything is paid for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from pgen.components import Options, Results, Sink, Source
from pgen.errors import ConfigError, InputError
from pgen.formats import syn_annotations as annotations
from pgen.run import manifest
from pgen.storage.in_place import stages
from pgen_lerobot.format import (
    COLUMN,
    COUNTERFACTUALS,
    EDITED,
    EXCHANGES,
    KEPT_SKILLS,
    MANIFEST,
    TASK_ROWS,
    Dataset,
    TaskRows,
    check_readable,
    digest,
    frame_columns,
    read_task_rows,
    rows_problem,
    walk,
    with_counterfactuals,
    with_exchanges,
)
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.write.card import Counts, write_card
from pgen_lerobot.write.carried_files import CarriedVideos, carry_over, copied_bytes, recorded, video_bytes
from pgen_lerobot.write.labelling import Annotated, Labeller
from pgen_lerobot.write.metadata import (
    INFO,
    STATS,
    check_metadata,
    check_segmented,
    with_skills,
    write_info,
    write_modality,
    write_phases,
    write_segmented,
    write_stats,
)
from pgen_lerobot.write.shards import check_shards, rewrite_shard, shard_names

LINES = f"meta/{annotations.FILE}"
REPORT = "report.html"
"""The page of the sink and the command `report`; the input's is about another run and is not carried over."""
CARD = "README.md"
_OWN = {LINES, MANIFEST, KEPT_SKILLS, REPORT, EXCHANGES, COUNTERFACTUALS}
_BYTES_A_FRAME = 160
"""The labels, and the lines and tables of a dozen dialogues about each span of a few seconds."""
_MARGIN_BYTES = 16_000_000


def dataset_of(source: Source, sink: str) -> Dataset:
    """Return the input of a sink. Raises ConfigError where it is no LeRobot dataset."""
    if not isinstance(source, LeRobotSource):
        raise ConfigError(
            f"sink {sink} needs a LeRobot dataset; the source {source.name} is none. Use --source lerobot, "
            f"or --sink {source.output}."
        )
    return source.dataset


class OtherForm[OptionsT: Options](Sink[OptionsT]):
    """A sink that adds to the dataset that the sink `lerobot` writes."""

    builds_on = "lerobot"

    def dataset(self, source: Source) -> Dataset:
        """Return the input. Raises ConfigError where it is no LeRobot dataset."""
        return dataset_of(source, self.name)


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
    _carried: CarriedVideos | None = None

    def open(self, source: Source) -> None:
        dataset = dataset_of(source, self.name)
        if COLUMN in dataset.features and not self.options.overwrite:
            path, problem = dataset.root / INFO, rows_problem(dataset.root / TASK_ROWS, dataset.tasks)
            reason = f", and {TASK_ROWS} {problem}" if problem else ""
            raise InputError(f"{path} has the feature {COLUMN} already{reason}; replace it with --overwrite.")
        if self.options.segmented:
            check_segmented(dataset.root, self.options.overwrite)
        check_readable(dataset.root)
        check_shards(dataset, self.options.overwrite)
        check_metadata(dataset)
        dataset.layout.stats.names()
        read_task_rows(dataset.root / TASK_ROWS)

    def needs_bytes(self, source: Source) -> int:
        """Without the videos, which are shared on the input's file system, unless they are to be copied."""
        dataset = dataset_of(source, self.name)
        rewritten = {name for name, _ in shard_names(dataset)}
        data = sum((dataset.root / name).stat().st_size for name in rewritten)
        stats = sum(path.stat().st_size for path in dataset.layout.stats.files)
        copied = copied_bytes(dataset.root, rewritten, copy_videos=self.options.copy_videos)
        return data + 2 * stats + dataset.layout.frames * _BYTES_A_FRAME + copied + _MARGIN_BYTES

    def shared_bytes(self, source: Source) -> int:
        return 0 if self.options.copy_videos else video_bytes(dataset_of(source, self.name).root)

    def remarks(self) -> tuple[str, ...]:
        return self._carried.notes() if self._carried else ()

    def write(self, results: Results, out: Path) -> None:
        dataset = dataset_of(results.source, self.name)
        self._carried = _Output(results, dataset, out, self.options).write()


@dataclass(slots=True)
class _Output:
    """An output that is being written."""

    results: Results
    dataset: Dataset
    out: Path
    options: LeRobotSinkOptions

    def write(self) -> CarriedVideos | None:
        """Write everything; return how the videos were carried over, None where they stay in place."""
        root, out, options = self.dataset.root, self.out, self.options
        layout = self.dataset.layout
        unlabelled = None if options.unlabelled == "task" else int(options.unlabelled)
        rows = TaskRows(self.dataset.tasks, read_task_rows(root / TASK_ROWS))
        counts = Counts()
        labelling, stats = self.results.labelling, layout.stats.names()
        labeller = Labeller(counts.watch(self._read(rows)), rows.index, unlabelled, labelling, stats)
        shards = self._write_shards(labeller, unlabelled)
        rows.write_tasks(out / layout.tasks_file)
        rows.write_rows(out / TASK_ROWS)
        written = [*shards, layout.tasks_file, TASK_ROWS, *self._write_metadata(labeller, len(rows))]
        counts.labelled, counts.frames = labeller.labelled, labeller.counts.total()
        counts.dialogues = len(rows.used)
        write_card(root / CARD, out / CARD, self.results.manifest, counts, options.unlabelled, layout)
        segmented = write_segmented(options.segmented, out) if options.segmented else []
        segmented += write_phases(getattr(self.results.source.options, "phases", None), out)
        tables = [name for name in (EXCHANGES, COUNTERFACTUALS) if (out / name).exists()]
        written += [CARD, LINES, *tables, *segmented, *([KEPT_SKILLS] if self._keeps_skills else [])]
        carried = carry_over(
            self.dataset.files, out, {*written, *_OWN}, copy_videos=options.copy_videos, phase=self.results.phase
        )
        in_place = stages(root, out)
        videos = recorded(root / MANIFEST) if in_place else carried.as_json()
        metadata = (name for name in walk(out) if name.startswith("meta/") and name not in _OWN)
        self._write_manifest(counts, {*written, *metadata}, videos)
        return None if in_place else carried

    def _read(self, rows: TaskRows) -> Iterator[Annotated]:
        """Read the run's results once; lines, tables and spans are written as their episodes are labelled."""
        annotated = annotations.with_lines(self.out / LINES, self.results.read(), self.results.generator)
        annotated = with_exchanges(self.out / EXCHANGES, annotated, rows.index)
        kept = (self.dataset.root / COUNTERFACTUALS).exists()
        annotated = with_counterfactuals(self.out / COUNTERFACTUALS, annotated, keep=kept)
        return with_skills(self.out / KEPT_SKILLS, annotated) if self._keeps_skills else annotated

    @property
    def _keeps_skills(self) -> bool:
        """Whether the output must hold the spans of the run, so that the labels can be verified.

        It need not where the dataset's skills.json has them; but a former run's file is replaced.
        """
        source = self.results.source
        in_place = isinstance(source, LeRobotSource) and source.skills.in_place
        return not in_place or (self.dataset.root / KEPT_SKILLS).exists()

    def _write_shards(self, labeller: Labeller, unlabelled: int | None) -> list[str]:
        unlisted = Labeller((), lambda *_: 0, unlabelled, self.results.labelling)
        names = []
        for name, listed in shard_names(self.dataset):

            def label(table: pa.Table, name: str = name, rows: Labeller = labeller if listed else unlisted) -> Any:
                return rows.column(frame_columns(self.dataset, name, table))

            with self.dataset.shard(name) as shard:
                rewrite_shard(shard, self.out / name, label)
            names.append(name)
        labeller.finish()
        pa.default_memory_pool().release_unused()
        return names

    def _write_metadata(self, labeller: Labeller, total_tasks: int) -> list[str]:
        written = [INFO]
        write_info(self.dataset, self.out / INFO, total_tasks)
        if write_stats(self.dataset, self.out / STATS, labeller.counts):
            written.append(STATS)
        written += write_modality(self.dataset.root, self.out, "human.dialogue", COLUMN)
        return written + self.dataset.layout.stats.write(self.out, labeller.stats)

    def _write_manifest(self, counts: Counts, written: set[str], videos: dict[str, Any] | None) -> None:
        """Write the manifest with a hash of each file, but not of those that users edit, nor of the videos."""
        labels: dict[str, Any] = {
            "column": COLUMN,
            "frames": counts.frames,
            "frames_labelled": counts.labelled,
            "frames_unlabelled": counts.frames - counts.labelled,
            "unlabelled": self.options.unlabelled,
            "dialogues": counts.dialogues,
            "files": {name: digest(self.out / name) for name in sorted(written - EDITED)},
        }
        manifest.write(self.out / MANIFEST, {**self.results.manifest, "labels": labels, "videos": videos})
