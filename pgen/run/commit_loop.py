"""Run the executor to completion and commit results to the journal; stop early on signals or too many failures.

However it ends, all results are in the journal.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pgen.components import Executor, KeyedResult, Recorder, Work
from pgen.errors import first_error
from pgen.records import Annotation, Sample
from pgen.run.signals import Stopping, stopping
from pgen.storage.committer import Commits
from pgen.storage.journal import Journal

PROVENANCE = "found"
"""The name under which the journal stores the model and the generator's provenance."""

type Rounds = Iterable[Iterator[list[Any]]]
"""Groups of items, round by round; each is made once the results of the one before are on the disk."""


def generate(
    executor: Executor,
    work: Work,
    rounds: Rounds,
    journal: Journal,
    spend: Callable[[Any], bool],
    progress: Callable[[Any], object],
    role: str = "",
) -> None:
    """Have an executor run a rollout for each item of each round.

    `spend` is given each result as it comes, and returns whether the run is to stop; `progress` is given it once it is
    on the disk. The journal is claimed for the model, and stores the generator's provenance, under names that begin
    with `role`. Raises InterruptedRunError after a signal, once the results are stored, as after any other error.
    """
    _run(_Generation(executor, work, journal, spend, progress, role).run(rounds))


class _Generation(Recorder):
    def __init__(
        self,
        executor: Executor,
        work: Work,
        journal: Journal,
        spend: Callable[[Any], bool],
        progress: Callable[[Any], object],
        role: str,
    ) -> None:
        self._executor, self._work, self._journal = executor, work, journal
        self._spend, self._role = spend, role
        self._commits = Commits(journal, self._write, progress)
        self._stop = asyncio.Event()

    async def run(self, rounds: Rounds) -> None:
        main = asyncio.current_task()
        cancel = main.cancel if main else lambda: None
        with stopping(asyncio.get_running_loop(), self._stop.set, cancel) as signals:
            await self._run_opened(rounds, signals)

    async def _run_opened(self, rounds: Rounds, signals: Stopping) -> None:
        executor = self._executor
        await executor.open(self._work)
        try:
            self._journal.claim(f"{self._role}model", executor.model)
            for groups in rounds:
                if self._stop.is_set():
                    break
                await self._run_and_commit(groups)
                self._commits.flush()
                await self._work.generator.settle(self._stop)
        finally:
            signals.settled()
            self._commits.flush()
            await executor.close()
        provenance = {"model": executor.model, "found": executor.generator_provenance()}
        self._journal.set_metadata(self._role + PROVENANCE, provenance)

    async def _run_and_commit(self, groups: Iterator[list[Any]]) -> None:
        """Run both at once, so that results that cannot be stored end the run."""
        try:
            async with asyncio.TaskGroup() as tasks:
                committing = tasks.create_task(self._commits.run())
                await self._executor.run(groups, self, self._stop)
                committing.cancel()
        except BaseExceptionGroup as group:
            raise first_error(group) from None

    def recall(self, key: Any) -> Any:
        return self._journal.get(key) if isinstance(key, Sample) else self._journal.value(key)

    async def record(self, item: Any, result: Any) -> None:
        await self.record_all(item, [result])

    async def record_all(self, item: Any, results: Sequence[Any]) -> None:
        for result in results:
            if self._spend(result):
                self._stop.set()
        await self._commits.store(*results)

    async def finish(self, item: Any, result: Any) -> None:
        if result is not None:
            await self.record(item, result)

    def _write(self, results: Sequence[Any]) -> None:
        if annotations := [result for result in results if isinstance(result, Annotation)]:
            self._journal.add(annotations)
        if keyed := [result for result in results if isinstance(result, KeyedResult)]:
            self._journal.add_values((result.key, result.value) for result in keyed)


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Do what `asyncio.run` does, in a thread of its own where a loop is running already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
