"""Has the pipeline run to its end: answers go to the journal, signals and failures end it early.

However it ends, what was answered is in the journal.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pgen.components.executor import Executor
from pgen.errors import first_error
from pgen.inference.pipeline import Pipeline
from pgen.records import Annotation, Sample
from pgen.run.failure_limit import Budget
from pgen.run.signals import Stopping, stopping
from pgen.storage.committer import Commits
from pgen.storage.journal import Journal

FOUND = "found"
"""The name by which the journal remembers the model and what the generator found out."""

Progress = Callable[[Annotation], None]


def generate(
    executor: Executor,
    pipeline: Pipeline,
    rounds: Sequence[Iterator[list[Sample]]],
    journal: Journal,
    budget: Budget,
    progress: Progress,
    role: str = "",
) -> None:
    """Have an executor ask about all samples of each round, and stop once `budget` is spent on failures.

    A round begins when the answers of the one before are stored. The journal is claimed for the model that
    answers, and remembers what the generator found out, under names that begin with `role`. Raises
    InterruptedRunError after a signal; whatever else ends the run, once the answers are stored.
    """
    _run(_Generation(executor, pipeline, journal, budget, progress, role).run(rounds))


class _Generation:
    def __init__(
        self,
        executor: Executor,
        pipeline: Pipeline,
        journal: Journal,
        budget: Budget,
        progress: Progress,
        role: str,
    ) -> None:
        self._executor, self._pipeline = executor, pipeline
        self._journal, self._progress, self._role = journal, progress, role
        self._budget = budget
        self._commits = Commits(journal, journal.add, self._done)
        self._stop = asyncio.Event()

    async def run(self, rounds: Sequence[Iterator[list[Sample]]]) -> None:
        main = asyncio.current_task()
        cancel = main.cancel if main else lambda: None
        with stopping(asyncio.get_running_loop(), self._stop.set, cancel) as work:
            await self._opened(rounds, work)

    async def _opened(self, rounds: Sequence[Iterator[list[Sample]]], work: Stopping) -> None:
        executor = self._executor
        await executor.open(self._pipeline)
        try:
            self._journal.claim(f"{self._role}model", executor.model)
            for groups in (groups for groups in rounds if not self._stop.is_set()):
                await self._ask_and_commit(groups)
                self._commits.flush()
        finally:
            work.settled()
            self._commits.flush()
            await executor.close()
        self._journal.remember(self._role + FOUND, {"model": executor.model, "found": executor.found()})

    async def _ask_and_commit(self, groups: Iterator[list[Sample]]) -> None:
        """Side by side, so that answers that cannot be stored end the asking."""
        try:
            async with asyncio.TaskGroup() as tasks:
                committing = tasks.create_task(self._commits.run())
                await self._executor.run(groups, self._record, self._stop)
                committing.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    async def _record(self, annotation: Annotation) -> None:
        if annotation.sample.question.about is None and self._budget.spend(annotation):
            self._stop.set()
        await self._commits.store(annotation)

    def _done(self, annotation: Annotation) -> None:
        if annotation.sample.question.about is None:
            self._progress(annotation)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run`, in a thread of its own where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
