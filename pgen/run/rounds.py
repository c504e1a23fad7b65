"""What a run requests, with its journal open: its samples, those that a check of the whole run rejects, its judge."""

from collections.abc import Callable, Iterator
from typing import Any

from pgen.components import Generator, Phase, Step, silent
from pgen.config import Parts, RunOptions
from pgen.inference.checking import RunChecks
from pgen.inference.conversation import moments
from pgen.inference.judging import JudgePrompt, Judging
from pgen.inference.pipeline import Pipeline
from pgen.inference.prompting import takes_moments
from pgen.records import Annotation, Sample
from pgen.run.commit_loop import PROVENANCE, generate
from pgen.run.failure_limit import Budget
from pgen.run.results import Judgements, Planned, RunResults
from pgen.storage.journal import Journal

JUDGE = "judge "
"""Begins the names under which the journal stores what belongs to the judge."""

type Progress = Callable[[Annotation], object]


class Rounds:
    """The rounds of one run. `planned` returns the episodes with their samples, `samples` the number of these.

    `phase` shows the progress of the rounds after the first.
    """

    def __init__(
        self,
        options: RunOptions,
        parts: Parts,
        journal: Journal,
        planned: Callable[[], Planned],
        samples: Callable[[], int],
        phase: Phase = silent,
    ) -> None:
        self._options, self._parts, self._journal, self._samples = options, parts, journal, samples
        self._phase = phase
        several = takes_moments(parts.prompts, parts.generator)
        self.results = RunResults(journal, planned, self._run_checks, options.in_turns, options.on_check, several)

    def unfinished(self) -> bool:
        """Return whether requests are left even where every sample has its dialogue."""
        return self._journal.metadata(PROVENANCE) is None or next(self.results.again(), None) is not None

    def ask(self, progress: Progress) -> None:
        """Request what is missing, then once more the dialogues that a check of the whole run rejects."""
        share = self._options.max_failures
        budget = Budget(int(share * self._samples()), share)
        retried: Step | None = None

        def report(annotation: Annotation) -> None:
            nonlocal retried
            if annotation.sample.question.about is None:
                progress(annotation)
                return
            retried = retried or self._phase("retrying", None, "dialogue")
            retried(1)

        def spend(annotation: Annotation) -> bool:
            return annotation.sample.question.about is None and budget.spend(annotation)

        generate(
            self._parts.executor, pipeline_of(self._parts, self._options), self._rounds(), self._journal, spend, report
        )

    def _rounds(self) -> Iterator[Iterator[list[Any]]]:
        generator, results = self._parts.generator, self.results
        yield self._items(results.missing())
        while generator.unsettled:
            yield self._items(results.unrequested())
        yield _singles(results.again())
        while generator.unsettled:
            yield _singles(results.again())

    def judge(self) -> Judgements:
        """Request the judgements that are missing. One that fails is counted, and ends no run."""
        parts, options, journal = self._parts, self._options, self._journal
        judgements = Judgements(journal, self.results, options.judge_share if parts.judge else 0.0, options.seed)
        if parts.judge is not None:
            prompts = JudgePrompt()
            identity = {**parts.judge.identity(), "hash": prompts.fingerprint()}
            journal.claim("judge", identity, parts.judge.defaults())
            work = Judging(
                parts.source,
                prompts,
                parts.judge,
                options.seed,
                options.attempts,
                options.max_pixels,
                parts.sampler.images_per_camera,
            )
            if any(judgements.missing()) or journal.metadata(JUDGE + PROVENANCE) is None:
                rounds = _judging(parts.judge, judgements)
                judged = self._phase("judging", None, "dialogue")
                generate(parts.executor, work, rounds, journal, lambda _: False, lambda _: judged(1), JUDGE)
        return judgements

    def _items(self, groups: Iterator[list[Sample]]) -> Iterator[list[Any]]:
        """Return the items of rollouts: the samples of a request, or with `--turns` a group as one conversation."""
        if self._options.in_turns:
            return ([group] for group in groups if group)
        if not takes_moments(self._parts.prompts, self._parts.generator):
            return _singles(groups)
        return ([*moments(group)] for group in groups)

    def _run_checks(self) -> RunChecks:
        return RunChecks(self._parts.checks, self._options.language, self._samples())


def pipeline_of(parts: Parts, options: RunOptions) -> Pipeline:
    """Return the pipeline of a run's components and options."""
    return Pipeline(
        parts.source,
        parts.prompts,
        parts.generator,
        options.seed,
        options.attempts,
        options.max_pixels,
        parts.sampler.images_per_camera,
        options.language,
        options.in_turns,
        parts.checks,
        options.on_check,
    )


def _judging(judge: Generator, judgements: Judgements) -> Iterator[Iterator[list[Any]]]:
    yield _singles(judgements.missing())
    while judge.unsettled:
        yield _singles(judgements.missing())


def _singles(groups: Iterator[list[Sample]]) -> Iterator[list[Any]]:
    return ([(sample,) for sample in group] for group in groups)
