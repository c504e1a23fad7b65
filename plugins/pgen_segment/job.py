"""The job of `pgen segment`: preflight, the spans of each episode, and the output, which is absent or complete."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import Field

from pgen.components import Executor, Generator, ModelSegmenter, Options, Phase, Segmenter, silent
from pgen.errors import ConfigError, SampleError, TooManyFailuresError
from pgen.inference.ask import failure
from pgen.registry import registry
from pgen.run import manifest
from pgen.run.failure_limit import episodes_named
from pgen.run.job import Job as RunningJob
from pgen.run.job import prepare, running
from pgen.storage.journal import Journal
from pgen.storage.workspace import Workspace
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.write import CarriedVideos
from pgen_segment import output, reading
from pgen_segment.segmentation import Model, Segmentation, Step, segment_all, segment_by_model

type Progress = Callable[[int], Step]


class SegmentOptions(Options):
    """The options of the run as a whole."""

    output_dir: Path
    """The new dataset; must not exist yet."""
    skills_only: bool = False
    """Write skills.json alone, without a copy of the dataset."""
    write_subtasks: bool = False
    """Also write the column subtask_index and meta/subtasks.parquet."""
    keep_idle: bool = False
    """Name long pauses `idle` instead of giving them to the skills beside them."""
    overwrite: bool = False
    """Replace the skills or subtasks that the dataset already has."""
    copy_videos: bool = False
    """Copy the videos, where they would be clones of the input's or hard links to them."""
    max_failures: float = Field(0.02, ge=0, le=1)
    """The share of episodes that may fail; with more, nothing is written."""
    seed: int = 0
    """Makes every choice of a model that draws; the same seed gives the same output."""
    fresh: bool = False
    """Discard the results of an unfinished run and start anew."""


class Job:
    """One segmentation. Entering it checks all that can be checked before the first request.

    OUT is the dataset with meta/skills.json, or with `skills_only` that file alone. Its results belong
    to `command`, which is what the user types after `pgen`.
    """

    def __init__(
        self,
        options: SegmentOptions,
        source: LeRobotSource,
        segmenter: Segmenter,
        generator: Generator | None = None,
        executor: Executor | None = None,
        command: str = "",
    ) -> None:
        self.options, self.source, self.segmenter, self.generator = options, source, segmenter, generator
        local: Any = registry().find(Executor.kind, "local")
        self.executor: Executor | None = (executor or local()) if segmenter.asks else None
        command = command or ("segment" if segmenter.asks else f"segment --segmenter {segmenter.name}")
        self.workspace = Workspace(options.output_dir, command, fresh=options.fresh)
        self._phase: Phase = silent
        self._needed = 0

    def __enter__(self) -> "Job":
        if self.options.skills_only and self.options.write_subtasks:
            raise ConfigError("--skills-only writes no data, and --write-subtasks does: leave one of them out.")
        self._check_generator()
        prepare(self.workspace)
        self.source.open()
        self.workspace.check_outside(self.source.folder)
        self.segmenter.open(self.source)
        reading.check(self.source, self.segmenter.columns)
        if not self.options.skills_only:
            output.check(self.source.dataset, self.options.overwrite, self.options.write_subtasks)
            copy = self.options.copy_videos or not self.workspace.shares_disk(self.source.dataset.root)
            subtasks = self.options.write_subtasks
            self._needed = output.needs_bytes(self.source.dataset, with_subtasks=subtasks, copy_videos=copy)
            self.workspace.check_room(self._needed)
        return self

    def __exit__(self, *_: object) -> None:
        self.source.close()

    def execute(self, progress: Progress = lambda total: lambda episode: None, phase: Phase = silent) -> Iterator[str]:
        """Segment the dataset and write the output; return the lines of the report.

        `progress` takes the number of episodes and returns what to call for each that is done; `phase` takes the name
        and size of a long step of writing.
        """
        self._phase = phase
        began, started = datetime.now(UTC), monotonic()
        with running(self.workspace, self._needed) as job:
            segmentation = self._segment(self._journal(job), progress)
            times = {"began": began.isoformat(timespec="seconds"), "seconds": round(monotonic() - started, 3)}
            carried = self._write(job.stage(), segmentation, self._provenance(segmentation) | {"times": times})
        return self._report(segmentation, carried, monotonic() - started)

    def plan(self, counts: Counter[str] | None = None) -> Iterator[str]:
        """Yield what the chosen episodes would cost, line by line; nothing is requested or written.

        The tokens are added to `counts` as `tokens_in` and `tokens_out`, or else among the lines.
        """
        episodes, planned = Counter[str](), Counter[str]()
        for recording in reading.recordings(self.source, self.segmenter.columns):
            episodes.update(episodes=1, frames=len(recording.episode.timestamps))
            planned.update(self.segmenter.planned(recording, self.generator.patches if self.generator else None))
        tokens = {name: planned.pop(name, 0) for name in ("tokens_in", "tokens_out")}
        yield from (f"{name:<10} {count:,}" for name, count in (episodes + planned).items())
        if counts is not None:
            counts.update(tokens)
        elif tokens["tokens_in"]:
            yield f"tokens     about {tokens['tokens_in']:,} in, {tokens['tokens_out']:,} out"
        # Requests that cannot be counted before there are spans.
        options = self.segmenter.options
        if getattr(options, "relabel", False):
            yield "note       plus a request for each span, which --relabel names again"
        if getattr(options, "vocabulary", None) == "auto":
            yield "note       plus the requests that make the vocabulary from some episodes"
        yield from self.segmenter.notes()

    def write_expected(self, path: Path) -> None:
        """Write a skills file with spans like those that will be found, for estimates."""
        segmentation = Segmentation()
        for recording in reading.recordings(self.source, self.segmenter.columns):
            try:
                segmentation.add(recording.episode, self.segmenter.expected(recording))
            except SampleError as error:
                segmentation.add(recording.episode, failure(error))
        output.write_skills(path, segmentation.episodes)

    def _check_generator(self) -> None:
        name = self.segmenter.name
        if self.segmenter.asks and self.generator is None:
            raise ConfigError(f"segmenter {name} needs a model: name one with --generator NAME.")
        if self.generator is not None and not self.segmenter.asks:
            raise ConfigError(f"segmenter {name} uses no model; leave out --generator, or use --segmenter hybrid.")
        if self.generator is not None and self.generator.defers:
            raise ConfigError(
                f"--generator {self.generator.name}: the requests about an episode follow each other, and each would "
                "wait for a batch; take another generator."
            )
        if self.generator is not None and self.executor is not None:
            self.executor.check((self.source, self.generator))

    def _journal(self, job: RunningJob) -> Journal | None:
        """Open the journal, for a segmenter that sends requests."""
        if self.generator is None:
            return None
        journal = job.open_journal(self._identity(self.generator), self._defaults(self.generator))
        first = next(self.source.episodes(), None)
        self.generator.max_images = len(first.cameras) if first else 1
        return journal

    def _identity(self, generator: Generator) -> dict[str, Any]:
        """Return what the results depend on, as JSON values."""
        segmenter = {**self.segmenter.identity(), "hash": self.segmenter.fingerprint()}
        return {
            "job": "segment",
            "source": self.source.identity(),
            "segmenter": segmenter,
            "generator": generator.identity(),
            "run": {"seed": self.options.seed},
        }

    def _defaults(self, generator: Generator) -> dict[str, Any]:
        """Return the identity of a run before some options were added: their defaults."""
        parts = {"segmenter": self.segmenter, "generator": generator, "source": self.source}
        return {kind: part.defaults() for kind, part in parts.items()}

    def _segment(self, journal: Journal | None, progress: Progress) -> Segmentation:
        total = reading.count(self.source)
        allowed = self.options.max_failures * total
        options: Any = {"keep_idle": self.options.keep_idle, "allowed": allowed, "step": progress(total)}
        if isinstance(self.segmenter, ModelSegmenter) and self.generator and self.executor and journal:
            model = Model(self.generator, self.executor, journal, self.options.seed)
            segmentation = segment_by_model(self.source, self.segmenter, model, **options)
        else:
            segmentation = segment_all(self.source, self.segmenter, **options)
        if len(segmentation.failed) > allowed:
            index, error = next(iter(segmentation.failed.items()))
            resume = "" if journal is None or journal.empty else " The results so far are kept for the same command."
            raise TooManyFailuresError(
                f"{len(segmentation.failed)} of {total} episodes failed, more than --max-failures "
                f"{self.options.max_failures:g} allows; nothing was written. Failed: "
                f"{episodes_named(segmentation.failed)}. The first, episode {index}: {error.reason}{resume}"
            )
        return segmentation

    def _write(self, out: Path, segmentation: Segmentation, provenance: dict[str, Any]) -> CarriedVideos:
        if not self.options.skills_only:
            options: Any = {"with_subtasks": self.options.write_subtasks, "copy_videos": self.options.copy_videos}
            return output.write(self.source.dataset, segmentation.episodes, out, provenance, self._phase, **options)
        output.write_skills(out / "skills.json", segmentation.episodes)
        manifest.write(out / "segmentation.json", provenance)
        return CarriedVideos()

    def _provenance(self, segmentation: Segmentation) -> dict[str, Any]:
        return {
            "pgen_segmentation": 1,
            "versions": manifest.versions(),
            "source": self.source.describe(),
            "segmenter": {**self.segmenter.describe(), "found": {**self._model(), **self.segmenter.provenance()}},
            **({"executor": {**executor.describe(), **executor.provenance()}} if (executor := self.executor) else {}),
            "run": self.options.model_dump(mode="json", exclude={"output_dir", "fresh"}),
            "counts": {
                "episodes": len(segmentation.episodes) + len(segmentation.failed),
                "frames": segmentation.frames,
                "segmented": len(segmentation.episodes),
                "spans": segmentation.spans,
            },
            "levels": output.levels_json(segmentation.episodes),
            "repairs": self.source.notes(),
            "changes": dict(sorted(segmentation.changes.items())),
            "failed": [
                {"episode_index": index, "stage": error.stage, "reason": error.reason}
                for index, error in segmentation.failed.items()
            ],
        }

    def _model(self) -> dict[str, Any]:
        if self.generator is None or self.executor is None:
            return {}
        provenance = self.executor.generator_provenance()
        return {"model": self.executor.model, "generator": {**self.generator.describe(), "found": provenance}}

    def _report(self, segmentation: Segmentation, carried: CarriedVideos, seconds: float) -> Iterator[str]:
        yield f"episodes   {len(segmentation.episodes) + len(segmentation.failed):,}, {segmentation.frames:,} frames"
        yield f"segmented  {len(segmentation.episodes):,} by {self.segmenter.name}, into {segmentation.spans:,} spans"
        for index, error in segmentation.failed.items():
            yield f"failed     episode {index}, at {error.stage}: {error.reason}"
        yield from (f"note       {count:,} {note}" for note, count in self.source.notes().items())
        yield from self.segmenter.notes()
        yield from (f"note       {count:,} {change}" for change, count in sorted(segmentation.changes.items()))
        yield from (f"note       {note}" for note in carried.notes())
        yield f"seconds    {seconds:.1f}"
        yield f"output     {self.workspace.out}"
