"""A worker as the run sees it: a handle of Ray's, and what it was given."""

import pickle
from typing import Any

from pgen.records import Annotation
from pgen_ray.work_items import Answer, Episode, Known
from pgen_ray.worker import News
from pgen_ray.worker_protocol import Opened


class Member:
    """Every call raises RayError where the worker is dead, and what went wrong in it as it was raised there."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor

    async def here(self) -> None:
        """Returns once the worker has its place on a machine."""
        await self._actor.here.remote()

    async def open(self) -> Opened:
        opened: Opened = value(await self._actor.open.remote())
        return opened

    async def close(self) -> dict[str, Any]:
        found: dict[str, Any] = value(await self._actor.close.remote())
        return found

    def kill(self) -> None:
        import ray

        ray.kill(self._actor)


class Annotator(Member):
    """One that annotates episodes."""

    def __init__(self, actor: Any) -> None:
        super().__init__(actor)
        self.episodes: dict[int, Episode] = {}
        self.wants = 0
        self.alone = False
        """It has an episode that may have killed others, and is given no further one beside it."""

    async def exchange(self) -> News:
        """The next news; tells the worker that the answers of the former are committed."""
        news: News = value(await self._actor.exchange.remote())
        return news

    def give(self, number: int, episode: Episode, known: Known, alone: bool) -> None:
        """Without waiting: if it does not arrive, the worker is dead, and `exchange` says so."""
        self.episodes[number] = episode
        self.wants -= 1
        self.alone = alone
        self._actor.give.remote(pickle.dumps([episode.given(number, known)], protocol=5))

    def arrived(self, answer: Answer) -> Annotation:
        """The answer with its sample; once it is safe, `settle`."""
        return self.episodes[answer.number].arrived(answer)

    def settle(self, number: int) -> None:
        """Let go of an episode that is done."""
        if self.episodes[number].done:
            del self.episodes[number]
            self.alone = False

    def stop(self) -> None:
        self._actor.stop.remote()


def value(told: bytes) -> Any:
    """What a worker told; raises what went wrong in it."""
    value, error = pickle.loads(told)
    if error is not None:
        raise error
    return value
