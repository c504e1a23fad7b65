"""A run of `annotate`, from its options to its output: preflight, requests, sinks.

The input is never changed. OUT is absent or complete. A run that was stopped resumes, and requests only what is
missing.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from time import monotonic
from typing import Any

from pgen.components import Phase, Results, Step, defaults_of, silent
from pgen.config import Parts, RunOptions, check_suited, worker_components
from pgen.errors import ConfigError
from pgen.inference.conversation import as_turn
from pgen.inference.prompting import BLIND, prompt_for, takes_moments
from pgen.records import Annotation, Episode, Usage
from pgen.run.commit_loop import PROVENANCE
from pgen.run.episodes import RecordedEpisodes
from pgen.run.estimate import Estimate, Prices, estimate
from pgen.run.failure_limit import check as check_failures
from pgen.run.job import Job, disk_errors, prepare, running
from pgen.run.manifest import Tally, estimate_entry, judge_entry, manifest_of, tally
from pgen.run.planning import Planner, Survey
from pgen.run.report import Plan, Report
from pgen.run.results import Planned, RunResults
from pgen.run.rounds import JUDGE, Progress, Rounds
from pgen.run.signals import interruptible
from pgen.safety.redaction import redacted
from pgen.seeds import sample_seed
from pgen.storage.in_place import InPlace
from pgen.storage.journal import Journal
from pgen.storage.workspace import Workspace

type _Annotated = Iterator[tuple[Episode, list[Annotation]]]


class Run:
    """One run. Entering it checks all that can be checked before the first request.

    `command` is what the user typed, without `--in-place`: results of another command are neither used nor deleted.
    The manifest compares the estimated with the actual cost, in dollars with `prices`.
    """

    def __init__(
        self, options: RunOptions, parts: Parts, command: str = "annotate", prices: Prices | None = None
    ) -> None:
        self.options, self.parts, self.prices = options, parts, prices
        kind, command = (InPlace, f"{command} --in-place") if options.in_place else (Workspace, command)
        self.workspace = kind(options.output_dir, command, journal=options.journal, fresh=options.fresh)
        self._episodes = RecordedEpisodes(parts.source)
        self._published: dict[str, Any] | None = None
        """The summary of an earlier run, if this one only completed its publication."""
        self._phase: Phase = silent
        self._needed = 0

    def __enter__(self) -> "Run":
        with disk_errors(self.workspace):
            self._published = prepare(self.workspace)
            if self._published is None:
                self._open()
        return self

    def _open(self) -> None:
        check_suited(self.parts, self.options)
        self.parts.executor.check(worker_components(self.parts))
        self.parts.source.open()
        self.workspace.check_outside(self.parts.source.folder)
        self.parts.prompts.open()
        for sink in self.parts.sinks:
            sink.open(self.parts.source)
        self._needed = self._needs_bytes()
        self.workspace.check_room(self._needed)

    def __exit__(self, *_: object) -> None:
        self._episodes.close()
        self.parts.source.close()

    @cached_property
    def plan(self) -> Plan:
        """The plan, without any request. Raises InputError where there is nothing to request."""
        return self._survey(None)[0]

    @cached_property
    def estimate(self) -> Estimate | None:
        """About how many tokens the plan needs; None for a generator without a model."""
        plan = self.plan
        return estimate(self.parts, self.options, self._planned(), plan.requests, plan.judged)

    def _survey(self, results: RunResults | None) -> tuple[Plan, int]:
        """Return the plan, and how many of its samples have a dialogue in `results`, in one pass."""
        if self._published is not None:
            raise ConfigError(f"an earlier run had yet to replace files of {self.workspace.out}; that is done now.")
        several = takes_moments(self.parts.prompts, self.parts.generator)
        survey, answered = Survey(self.options.in_turns, several), 0
        for episode, samples in self._planned():
            survey.add(episode, samples)
            answered += results.inspect(samples) if results else 0
        notes = self.parts.source.notes()
        first, sizes = survey.first(notes), survey.sizes
        samples = [as_turn(sample, ()) for sample in first] if self.options.in_turns else [*first]
        seed, language = sample_seed(self.options.seed, first[0]), self.options.language
        prompt = prompt_for(self.parts.prompts, samples, seed, language, several=several)
        judged = round(self.options.judge_share * sizes["samples"]) if self.parts.judge else 0
        plan = Plan(
            **sizes,
            notes=notes,
            sample=first[0],
            prompt=prompt,
            judged=judged,
            executor=self.parts.executor.plan(),
            remarks=self._remarks(sizes["images"]),
        )
        return plan, answered

    def execute(self, progress: Callable[[int, int], Progress], phase: Phase = silent) -> Report:
        """Request what is missing, then write the output.

        `progress` takes the number of samples and of those done before, and returns what to call for each result;
        `phase` shows the phases after it: retrying, judging, writing. Raises StorageError where the disk is full or
        fails, InterruptedRunError after a signal.
        """
        self._phase = phase
        if (former := self._published) is not None:
            stored = {name: Usage.from_stored(former[name]) for name in {"usage", "judge_usage"} & former.keys()}
            return Report(**{**former, "output_dir": self.workspace.out, **stored})
        with interruptible():
            if self.options.fresh or not self.workspace.journal.exists():
                with disk_errors(self.workspace, lambda: self._needed):
                    _ = self.plan  # checks the input before a journal is written or removed
            with running(self.workspace, self._needed) as job:
                report = self._execute(job, progress)
                job.summary = {**asdict(report), "output_dir": str(report.output_dir)}
        return report

    def _execute(self, job: Job, progress: Callable[[int, int], Progress]) -> Report:
        started, began = monotonic(), datetime.now(UTC)
        journal = job.open_journal(self.identity(), self._defaults())
        rounds = Rounds(self.options, self.parts, journal, self._planned, lambda: self.plan.samples, self._phase)
        results = rounds.results
        plan, resumed = self._planned_and_answered(journal, results)
        _ = self.estimate  # before the requests: an error in it must not cost their results
        out = self.workspace.out
        # The judge may be another service: its files are not those of the generator.
        for generator, place in ((self.parts.generator, out), (self.parts.judge, out.with_name(f"{out.name}.judge"))):
            if generator is not None:
                generator.max_images, generator.output_dir = plan.max_images, place
        if resumed < plan.samples or rounds.unfinished():
            rounds.ask(progress(plan.samples, resumed))
        counts = tally(results.read())
        check_failures(counts, plan.samples, self.options.max_failures, results.read())
        judgements = rounds.judge()
        if self.parts.judge is not None:
            counts = tally(judgements.read())
        unjudged, judge_usage = judgements.spent()
        report = replace(self._report(counts, resumed, monotonic() - started), judge_usage=judge_usage)
        manifest = self._manifest(report, counts, began, journal, unjudged)
        staging = job.stage()
        for sink in self.parts.sinks:
            step = self._phase(f"writing {sink.name}", plan.episodes, "episode")
            read = partial(_counted, judgements.read, step)
            sink.write(Results(self.parts.source, manifest, read, self._phase), staging)
        return replace(report, remarks=self._remarks(plan.images))

    def _planned_and_answered(self, journal: Journal, results: RunResults) -> tuple[Plan, int]:
        if "plan" in self.__dict__ or journal.empty:
            return self.plan, 0 if journal.empty else results.count_answered()
        self.plan, answered = self._survey(results)
        return self.plan, answered

    def _needs_bytes(self) -> int:
        source, sinks = self.parts.source, self.parts.sinks
        needed = sum(sink.needs_bytes(source) for sink in sinks)
        elsewhere = source.folder is not None and not self.workspace.shares_disk(source.folder)
        return needed + (sum(sink.shared_bytes(source) for sink in sinks) if elsewhere else 0)

    def identity(self) -> dict[str, Any]:
        """Return what the results depend on, as JSON values."""
        parts, options = self.parts, self.options
        return {
            "source": parts.source.identity(),
            "prompt": {**parts.prompts.identity(), "hash": parts.prompts.fingerprint()},
            "generator": parts.generator.identity(),
            "checks": [check.identity() for check in parts.checks],
            "run": options.model_dump(include={"seed", "max_pixels", "language", "turns", "on_check"}),
        }

    def _defaults(self) -> dict[str, Any]:
        """Return the identity of a run before some options were added: their defaults."""
        parts = self.parts
        return {
            "source": parts.source.defaults(),
            "prompt": parts.prompts.defaults(),
            "generator": parts.generator.defaults(),
            "run": defaults_of(RunOptions),
        }

    def _remarks(self, images: int) -> tuple[str, ...]:
        parts = (self.parts.sampler, *self.parts.sinks)
        return (*(() if images else (BLIND,)), *(remark for part in parts for remark in part.remarks()))

    def _planned(self) -> Planned:
        parts, options = self.parts, self.options
        of_options = options.seed, options.variants, options.scopes, options.max_samples
        planner = Planner(parts.source, parts.sampler, parts.prompts, *of_options)
        return planner.planned(self._episodes)

    def _report(self, counts: Tally, resumed: int, seconds: float) -> Report:
        plan = self.plan
        return Report(
            output_dir=self.workspace.out,
            generator=self.parts.generator.name,
            episodes=plan.episodes,
            frames=plan.frames,
            samples=plan.samples,
            resumed=resumed,
            failed=dict(counts.failed),
            usage=counts.usage,
            seconds=seconds,
            notes=plan.notes,
            findings=dict(sorted(counts.findings.items())),
            flagged=counts.flagged,
            judged=counts.judged,
            remarks=plan.remarks,
        )

    def _manifest(
        self, report: Report, counts: Tally, began: datetime, journal: Journal, unjudged: int
    ) -> dict[str, Any]:
        parts, options, reported = self.parts, self.options, journal.metadata(JUDGE + PROVENANCE)
        judge = judge_entry(parts, options, counts, unjudged, report.judge_usage, reported)
        manifest = manifest_of(parts, options, report, counts, began, journal.metadata(PROVENANCE), judge)
        estimated = estimate_entry(self.plan.requests, self.estimate, report, self.prices)
        made: dict[str, Any] = redacted({**manifest, **estimated})
        return made


def _counted(read: Callable[[], _Annotated], step: Step) -> _Annotated:
    """Iterate over the episodes with their annotations, and count each episode that was written."""
    for item in read():
        yield item
        step(1)
