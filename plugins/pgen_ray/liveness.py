"""Which workers have a place on a machine, how many died, and when to give up because there is none."""

import asyncio
from collections.abc import Callable

from pgen.errors import WorkersError
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
