"""Which workers have a place on a machine, how many died, and what is said where there is none."""

import asyncio
from collections.abc import Callable

from pgen.errors import WorkersError
from pgen_ray.cluster import Share
from pgen_ray.worker_handle import Member


class Presence:
    """`give_up` is called with the reason once there was no worker for `patience` seconds."""

    def __init__(self, share: Share, offers: str, patience: float, give_up: Callable[[WorkersError], None]) -> None:
        self._share, self._offers, self._patience, self._give_up = share, offers, patience, give_up
        self.here: set[Member] = set()
        self.deaths = 0
        self._last = ""
        self._timer: asyncio.TimerHandle | None = None

    def wait(self) -> None:
        """From now on somebody is to come, if nobody is here."""
        if self._timer is None and not self.here:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._patience, lambda: self._give_up(self.nobody()))

    def came(self, member: Member) -> None:
        self.here.add(member)
        self.rest()

    def died(self, member: Member, told: str) -> None:
        self.deaths += 1
        self._last = told
        self.here.discard(member)
        self.wait()

    def rest(self) -> None:
        """Nobody is waited for any more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def nobody(self) -> WorkersError:
        share = self._share
        died = f"{self.deaths} died, the last one so: {self._last}; " if self.deaths else ""
        return WorkersError(
            f"executor ray: there is no worker, and none can be had: {died}each asks for {share.cpus:g} CPUs and "
            f"{share.gpus:g} GPUs of a cluster that has {self._offers}. Set executor.cpus, executor.gpus or "
            "executor.workers, or add machines, and start the same command again: the answers so far are kept."
        )
