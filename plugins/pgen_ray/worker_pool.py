"""The workers of a run: each is spawned, opened and served to its end, and replaced where it dies."""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from ray.exceptions import RayError

from pgen.errors import ConfigError, PgenError, WorkersError
from pgen_ray.cluster import Share
from pgen_ray.worker_handle import WorkerHandle


class Liveness:
    """`give_up` is called with the reason once there was no worker for `patience` seconds."""

    def __init__(self, share: Share, capacity: str, patience: float, give_up: Callable[[WorkersError], None]) -> None:
        self._share, self._capacity, self._patience, self._give_up = share, capacity, patience, give_up
        self.placed: set[WorkerHandle] = set()
        self.deaths = 0
        self._last_reason = ""
        self._timer: asyncio.TimerHandle | None = None

    def start_timer(self) -> None:
        """Give up after `patience` seconds, unless a worker is there by then."""
        if self._timer is None and not self.placed:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._patience, lambda: self._give_up(self.no_workers()))

    def stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def add(self, worker: WorkerHandle) -> None:
        self.placed.add(worker)
        self.stop_timer()

    def remove(self, worker: WorkerHandle, reason: str) -> None:
        """Count a worker that died."""
        self.deaths += 1
        self._last_reason = reason
        self.placed.discard(worker)
        self.start_timer()

    def no_workers(self) -> WorkersError:
        """Return the error for a run that has no worker."""
        share = self._share
        died = f"{self.deaths} died, the last with: {self._last_reason}; " if self.deaths else ""
        return WorkersError(
            f"executor ray: there is no worker, and none can be started: {died}each asks for {share.cpus:g} CPUs and "
            f"{share.gpus:g} GPUs of a cluster that has {self._capacity}. Set executor.cpus, executor.gpus or "
            "executor.workers, or add machines, and start the same command again: the results so far are kept."
        )


MAX_STARTS = 3
"""Workers that die in succession before they are open, after which no other is started in their place."""

SHUTDOWN_TIMEOUT = 10.0
"""Seconds that workers have to close."""

log = logging.getLogger("pgen.ray")


class _UnusableError(Exception):
    """A worker could not open what it needs; the others go on."""


class WorkerPool(ABC):
    """`spawn` asks Ray for an actor; `capacity` says what the cluster has, for the case that it has no room."""

    model: str | None = None

    def __init__(self, spawn: Callable[[], Any], share: Share, capacity: str, patience: float) -> None:
        self._spawn, self._size = spawn, share.workers
        self._liveness = Liveness(share, capacity, patience, self._fail)
        self.peak = 0
        self.provenance: dict[str, Any] = {}
        self._workers: list[WorkerHandle] = []
        self._stopping = False

    @property
    def deaths(self) -> int:
        return self._liveness.deaths

    async def open(self) -> None:
        """Return with the first worker that is open; the others come as they can."""
        self._changed = asyncio.Event()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._liveness.start_timer()
        self._places = [asyncio.create_task(self._keep_staffed()) for _ in range(self._size)]
        await self.unless_failed(self._first_worker())

    @abstractmethod
    async def serve(self, worker: WorkerHandle) -> None:
        """Work with an open worker to its end. Raises RayError where it dies."""

    @abstractmethod
    def on_worker_lost(self, worker: WorkerHandle) -> None:
        """Reassign what a dead worker leaves."""

    async def close(self) -> None:
        """Close the workers, if they do so in time; then kill them in any case."""
        self._stopping = True
        self._liveness.stop_timer()
        for place in self._places:
            place.cancel()
        placed = self._liveness.placed
        try:
            async with asyncio.timeout(SHUTDOWN_TIMEOUT):
                closed = await asyncio.gather(*(worker.close() for worker in placed), return_exceptions=True)
                for provenance in reversed(closed):  # that of a worker without results is shorter
                    self.provenance |= provenance if isinstance(provenance, dict) else {}
        except TimeoutError:
            pass
        finally:
            for worker in placed:
                worker.kill()
            if self._failed.done():
                self._failed.exception()  # retrieved, so that asyncio does not warn about it

    async def unless_failed(self, work: Coroutine[Any, Any, None]) -> None:
        """Await the work, or raise a worker's error as soon as there is one."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait([task, self._failed], return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            task.result()
        finally:
            task.cancel()

    async def _first_worker(self) -> None:
        while not self._workers:
            self._changed.clear()
            await self._changed.wait()

    async def _keep_staffed(self) -> None:
        """Run one worker, and the next one where it dies."""
        starts, first = 0, True
        try:
            while starts < MAX_STARTS and not self._stopping:
                worker = WorkerHandle(self._spawn())
                try:
                    await self._open_worker(worker, first)
                    starts, first = 0, False
                    await self.serve(worker)
                    return
                except (RayError, _UnusableError) as error:
                    starts += 1
                    self._lose(worker, error)
            self._check_staffed()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)

    async def _open_worker(self, worker: WorkerHandle, first: bool) -> None:
        """Open a worker. An error of one that replaces a dead one ends no run that has others."""
        await worker.here()
        self._liveness.add(worker)
        try:
            opened = await worker.open()
            if self.peak and opened.model != self.model:
                raise ConfigError(f"two workers answer with different models, {self.model} and {opened.model}.")
        except PgenError as error:
            if first or not self._workers:
                raise
            raise _UnusableError(str(error)) from error
        self.model, self.provenance = opened.model, self.provenance or opened.provenance
        self._workers.append(worker)
        self.peak = max(self.peak, len(self._workers))
        self._changed.set()

    def _lose(self, worker: WorkerHandle, error: Exception) -> None:
        reason = next(iter(str(error).splitlines()), type(error).__name__)[:200]
        log.warning("a worker of Ray died: %s", reason)
        if worker in self._workers:
            self._workers.remove(worker)
        self.on_worker_lost(worker)
        worker.kill()
        if not self._stopping:
            self._liveness.remove(worker, reason)
        self._changed.set()

    def _check_staffed(self) -> None:
        """Raise WorkersError where no other place has a worker, or can get one."""
        others = [place for place in self._places if not place.done() and place is not asyncio.current_task()]
        if not others and not self._stopping:
            raise self._liveness.no_workers()
