"""A worker as the run sees it: an actor's handle, and the groups that it has."""

import pickle
from typing import Any

from pgen_ray.work_items import Assignment, Group
from pgen_ray.worker import Opened, Report


class WorkerHandle:
    """Each call raises RayError where the worker is dead, and what went wrong in it as it was raised there."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self.groups: dict[int, Group] = {}
        self.wanted = 0
        self.alone = False
        """It has a group that may have killed others, and is given no other beside it."""

    async def here(self) -> None:
        """Return once the worker has its place on a machine."""
        await self._actor.here.remote()

    async def open(self) -> Opened:
        opened: Opened = _value(await self._actor.open.remote())
        return opened

    async def exchange(self) -> Report:
        """Return the next report; acknowledges that the results of the former are committed."""
        report: Report = _value(await self._actor.exchange.remote())
        return report

    def give(self, number: int, group: Group, recorded: dict[Any, Any], *, alone: bool) -> None:
        """Send a group without waiting: if it does not arrive, the worker is dead, and `exchange` raises that."""
        self.groups[number] = group
        self.wanted -= 1
        self.alone = alone
        self._actor.give.remote(pickle.dumps(Assignment(number, group.items, recorded), protocol=5))

    def release(self, number: int) -> None:
        """Forget a group once it is done."""
        if self.groups[number].done:
            del self.groups[number]
            self.alone = False

    def stop(self) -> None:
        self._actor.stop.remote()

    async def close(self) -> dict[str, Any]:
        """Return the generator's provenance."""
        provenance: dict[str, Any] = _value(await self._actor.close.remote())
        return provenance

    def kill(self) -> None:
        import ray

        ray.kill(self._actor)


def _value(returned: bytes) -> Any:
    value, error = pickle.loads(returned)
    if error is not None:
        raise error
    return value
