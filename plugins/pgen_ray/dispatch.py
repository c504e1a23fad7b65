"""Which worker gets which group: results come back, and groups of workers that die are given to others.

A group that two workers have died with is given to a third that has no other; if that one dies too, the group is the
cause, and what is left of it fails. A worker takes several groups at once, so the last ones are shared evenly: a run of
few episodes would have no work for workers that open later.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from math import ceil
from typing import Any

from pgen.components import Recorder, Work
from pgen_ray.cluster import Share
from pgen_ray.work_items import Group, Outcome
from pgen_ray.worker import Report
from pgen_ray.worker_handle import WorkerHandle
from pgen_ray.worker_pool import WorkerPool, log

MAX_DEATHS = 3
"""Workers that die with one group until it is given up."""

AHEAD = 16
"""Groups per worker that are planned ahead, more than a worker takes at once: so the last ones are known as such."""


class Dispatcher(WorkerPool):
    """Workers that run the rollouts of `work`."""

    def __init__(self, work: Work, spawn: Callable[[], Any], share: Share, capacity: str, patience: float) -> None:
        super().__init__(spawn, share, capacity, patience)
        self._work = work
        self._ahead: deque[Group] = deque()
        self._retries: deque[Group] = deque()
        self._fatal: deque[Group] = deque()
        self._number = 0

    async def run(self, groups: Iterator[list[Any]], recorder: Recorder, stop: asyncio.Event) -> None:
        """Do what `Work.run` does, by workers."""
        self._groups, self._recorder, self._exhausted = groups, recorder, False
        self._ahead.clear()
        waiting = asyncio.create_task(self._notify(stop))
        try:
            await self.unless_failed(self._distribute(stop))
        finally:
            waiting.cancel()

    async def serve(self, worker: WorkerHandle) -> None:
        ended = False
        while not ended:
            report = await worker.exchange()
            await self._receive(worker, report)
            ended = report.ended
        self._workers.remove(worker)
        self._changed.set()
        if report.error:
            raise report.error

    def on_worker_lost(self, worker: WorkerHandle) -> None:
        for group in worker.groups.values():
            rest = group.rest(self._work)
            if rest.items:
                (self._retries if rest.deaths < MAX_DEATHS else self._fatal).append(rest)

    async def _receive(self, worker: WorkerHandle, report: Report) -> None:
        for text in report.warnings:
            log.warning("%s", text)
        # All at once, so that one commit holds them. The worker takes the next `exchange` for its acknowledgement.
        await asyncio.gather(*(self._record(worker, outcome) for outcome in report.outcomes))
        for outcome in report.outcomes:
            worker.groups[outcome.number].receive(outcome)
        for number in {outcome.number for outcome in report.outcomes}:
            worker.release(number)
        worker.wanted += report.wanted
        self._changed.set()

    async def _record(self, worker: WorkerHandle, outcome: Outcome) -> None:
        record = self._recorder.finish if outcome.last else self._recorder.record
        await record(worker.groups[outcome.number].items[outcome.position], outcome.result)

    async def _notify(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._changed.set()

    async def _distribute(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._changed.clear()
            while self._fatal:
                await self._give_up(self._fatal.popleft())
            assigned = [await self._give(worker) for worker in list(self._workers)]
            if any(assigned):
                continue
            if self._exhausted and not self._unfinished():
                break
            await self._changed.wait()
        self._stopping = stop.is_set()
        while self._stopping and self._workers:
            self._changed.clear()
            for worker in self._workers:  # including those that were opened only now
                worker.stop()
            await self._changed.wait()

    def _unfinished(self) -> bool:
        return bool(self._ahead or self._retries or self._fatal or any(worker.groups for worker in self._workers))

    async def _give(self, worker: WorkerHandle) -> bool:
        """Give a worker a group if it wants one; return whether there was one."""
        if worker.wanted <= 0 or worker.alone:
            return False
        await self._plan_ahead()
        if self._exhausted and len(worker.groups) >= self._even_share():
            return False
        group = self._retry(worker) or (self._ahead.popleft() if self._ahead else None)
        if group is None:
            return False
        recorded: dict[Any, Any] = {}
        for item in group.items:
            recorded |= await self._work.recorded(item, self._recorder.recall)
        if worker not in self._workers:  # it died meanwhile
            self._retries.append(group)
            return True
        self._number += 1
        worker.give(self._number, group, recorded, alone=group.deaths == MAX_DEATHS - 1)
        return True

    def _retry(self, worker: WorkerHandle) -> Group | None:
        """Return what a dead worker has left; a group that two died with only for a worker that has no other."""
        for _ in range(len(self._retries)):
            group = self._retries.popleft()
            if group.deaths < MAX_DEATHS - 1 or not worker.groups:
                return group
            self._retries.append(group)
        return None

    async def _plan_ahead(self) -> None:
        while not self._exhausted and len(self._ahead) < AHEAD * self._size:
            items = await asyncio.to_thread(next, self._groups, None)
            if items:
                self._ahead.append(Group(items))
            self._exhausted = items is None

    def _even_share(self) -> int:
        """Return how many of the last groups each worker has, those that are still to come included."""
        given = sum(len(worker.groups) for worker in self._workers)
        return ceil((given + len(self._ahead) + len(self._retries)) / self._size)

    async def _give_up(self, group: Group) -> None:
        for item in group.items:
            await self._work.give_up(item, f"{group.deaths} workers died over this episode", self._recorder)
