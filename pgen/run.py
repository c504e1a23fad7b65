"""A run from its options to its output: preflight, generation, sinks; one way in for all callers.

The input is never changed. OUT is absent or whole. A run that was stopped goes on where it was, asking
only for what is missing.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import Any

from pgen import manifest
from pgen.clips import with_clip
from pgen.components import Results
from pgen.config import RunOptions
from pgen.durable import OF_THE_DISK
from pgen.errors import InputError, StorageError, TooManyFailuresError
from pgen.generation import FOUND, Progress, generate
from pgen.interrupts import interruptible, uninterrupted
from pgen.journal import Journal
from pgen.parts import Parts
from pgen.pipeline import Pipeline
from pgen.planning import planned
from pgen.records import Annotation, Episode, Prompt, Sample, Usage
from pgen.seeds import derive, sample_key
from pgen.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: counts, what the source repaired, and the first sample with its prompt."""

    episodes: int
    frames: int
    samples: int
    images: int
    notes: dict[str, int]
    sample: Sample
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did. `resumed` counts the samples answered before, `failed` the failures by stage."""

    output_dir: Path
    generator: str
    episodes: int
    frames: int
    samples: int
    resumed: int
    failed: dict[str, int]
    usage: Usage
    seconds: float
    notes: dict[str, int]


class Run:
    """One run. Opening it checks all that can be checked before anything is paid for."""

    def __init__(self, options: RunOptions, parts: Parts) -> None:
        self.options = options
        self.parts = parts
        self.workspace = Workspace(options.output_dir, options.journal)

    def __enter__(self) -> "Run":
        self.workspace.sweep()
        self.workspace.check()
        self.parts.source.open()
        self.workspace.check_outside(self.parts.source.folder)
        self.parts.prompts.open()
        for sink in self.parts.sinks:
            sink.open(self.parts.source)
        self.workspace.check_room(self._needs_bytes())
        return self

    def __exit__(self, *_: object) -> None:
        self.parts.source.close()

    @cached_property
    def plan(self) -> Plan:
        """Read every chosen episode once, asking nothing. Raises InputError where nothing is to be asked."""
        counts: Counter[str] = Counter()
        first: Sample | None = None
        for episode, samples in self._planned():
            counts.update(episodes=1, frames=len(episode.timestamps), samples=len(samples))
            counts["images"] += sum(len(sample.images) for sample in samples)
            first = first or (samples[0] if samples else None)
        notes = self.parts.source.notes()
        if first is None:
            found = f" ({'; '.join(f'{count} {note}' for note, count in notes.items())})" if notes else ""
            raise InputError(f"the chosen episodes hold no skill to ask about{found}; check the skills.")
        prompt = with_clip(self.parts.prompts.build(first, self._seed(first)), first)
        return Plan(**counts, notes=notes, sample=first, prompt=prompt)

    def execute(self, progress: Callable[[int, int], Progress]) -> Report:
        """Ask what is missing, then write. `progress` is given the number of samples, and of those done before.

        Raises StorageError where the disk is full or fails, InterruptedRunError after a signal.
        """
        try:
            with interruptible():
                return self._execute(progress)
        except OSError as error:
            if error.errno not in OF_THE_DISK:
                raise
            raise self._disk_failed(error) from error
        except StorageError as error:
            raise self._disk_failed(error.__cause__ or error, error) from error

    def _execute(self, progress: Callable[[int, int], Progress]) -> Report:
        started, began = monotonic(), datetime.now(UTC)
        plan = self.plan
        with self.workspace.locked(fresh=self.options.fresh):
            journal = Journal(self.workspace.journal)
            try:
                journal.claim("options", self.identity())
                resumed = sum(journal.answered(sample) for _, samples in self._planned() for sample in samples)
                if resumed < plan.samples or journal.recall(FOUND) is None:
                    self._generate(journal, plan, progress(plan.samples, resumed))
                report = replace(self._report(journal, plan), resumed=resumed, seconds=monotonic() - started)
                self._check_failures(report, journal)
                self._write(journal, self._manifest(report, began, journal.recall(FOUND)))
            except BaseException:
                if journal.worthless:
                    self.workspace.discard()
                raise
            finally:
                journal.close()
            with uninterrupted():
                self.workspace.publish()
        return report

    def _needs_bytes(self) -> int:
        return sum(sink.needs_bytes(self.parts.source) for sink in self.parts.sinks)

    def _disk_failed(self, error: BaseException, told: StorageError | None = None) -> StorageError:
        """What was needed and where, and that nothing is lost."""
        space, path = self.workspace, told.path if told else getattr(error, "filename", None)
        needed, free = self._needs_bytes() / 1e6, space.free() / 1e6
        return StorageError(
            f"{path or space.work}: {str(error).rstrip('.')}. The output needs about {needed:,.0f} MB, "
            f"{space.out.parent} has {free:,.0f} MB left. Put that right and start the same command again: the answers "
            f"so far are kept in {space.journal}."
        )

    def identity(self) -> dict[str, Any]:
        """What has to agree for answers of a former run to be valid."""
        parts = self.parts
        return {
            "source": parts.source.identity(),
            "prompt": {**parts.prompts.identity(), "hash": parts.prompts.fingerprint()},
            "generator": parts.generator.identity(),
            "run": {"seed": self.options.seed, "max_pixels": self.options.max_pixels},
        }

    def _planned(self) -> Iterator[tuple[Episode, list[Sample]]]:
        return planned(self.parts.source, self.parts.sampler, self.options.max_samples)

    def _seed(self, sample: Sample) -> int:
        return derive(self.options.seed, sample_key(sample))

    def _generate(self, journal: Journal, plan: Plan, progress: Progress) -> None:
        parts, options = self.parts, self.options
        pipeline = Pipeline(
            parts.source,
            parts.prompts,
            parts.generator,
            options.seed,
            options.attempts,
            options.max_pixels,
            parts.sampler.pictures,
        )
        missing = ([sample for sample in samples if not journal.answered(sample)] for _, samples in self._planned())
        generate(pipeline, missing, journal, int(options.max_failures * plan.samples), progress)

    def _results(self, journal: Journal) -> Iterator[tuple[Episode, list[Annotation]]]:
        for episode, samples in self._planned():
            found = (journal.get(sample) for sample in samples)
            yield episode, [annotation for annotation in found if annotation is not None]

    def _report(self, journal: Journal, plan: Plan) -> Report:
        failed: Counter[str] = Counter()
        usage = Usage(attempts=0)
        for _, annotations in self._results(journal):
            for annotation in annotations:
                usage += annotation.usage
                if annotation.failure:
                    failed[annotation.failure.stage] += 1
        counted = plan.episodes, plan.frames, plan.samples
        name = self.parts.generator.name
        return Report(self.workspace.out, name, *counted, 0, dict(failed), usage, 0.0, plan.notes)

    def _check_failures(self, report: Report, journal: Journal) -> None:
        failed = sum(report.failed.values())
        if failed <= self.options.max_failures * report.samples:
            return
        stages = ", ".join(f"{count} at {stage}" for stage, count in sorted(report.failed.items()))
        reasons = (a.failure.reason for _, found in self._results(journal) for a in found if a.failure)
        raise TooManyFailuresError(
            f"{failed} of {report.samples} samples failed ({stages}), more than --max-failures "
            f"{self.options.max_failures:g} allows; nothing was written. The first reason: {next(reasons)} "
            "The answers so far are kept: the same command asks again for what is missing."
        )

    def _write(self, journal: Journal, provenance: dict[str, Any]) -> None:
        staging = self.workspace.stage()
        results = Results(self.parts.source, provenance, lambda: self._results(journal))
        for sink in self.parts.sinks:
            sink.write(results, staging)

    def _manifest(self, report: Report, began: datetime, found: dict[str, Any]) -> dict[str, Any]:
        parts, failed = self.parts, sum(report.failed.values())
        return {
            "pgen_manifest": 1,
            "versions": manifest.versions(),
            "source": parts.source.describe(),
            "sampler": parts.sampler.describe(),
            "prompt": {**parts.prompts.describe(), "hash": parts.prompts.fingerprint()},
            "generator": {**parts.generator.describe(), **found},
            "sinks": [sink.describe() for sink in parts.sinks],
            "run": self.options.model_dump(mode="json", exclude={"output_dir", "journal", "fresh"}),
            "counts": {
                "episodes": report.episodes,
                "frames": report.frames,
                "samples": report.samples,
                "answered": report.samples - failed,
                "failed": report.failed,
            },
            "repairs": report.notes,
            "tokens": {"in": report.usage.tokens_in, "out": report.usage.tokens_out},
            "attempts": report.usage.attempts,
            "retries": report.usage.retries,
            "times": {
                "began": began.isoformat(timespec="seconds"),
                "seconds": round(report.seconds, 3),
                "model_seconds": round(report.usage.seconds, 3),
            },
        }
