"""Questions that a job asks by itself, answered by workers: each goes to the one that has least to do."""

import pickle
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ray.exceptions import RayError

from pgen.components import Generator
from pgen.errors import SampleError
from pgen.records import Reply, Request
from pgen_ray.cluster import Share
from pgen_ray.worker_handle import Member, value
from pgen_ray.worker_pool import FATAL, Crew, log

if TYPE_CHECKING:
    from pgen_ray.executor import RayExecutor


class Respondent(Member):
    """One that answers questions; `busy` with so many."""

    busy = 0

    async def generate(self, request: bytes) -> Reply:
        reply: Reply = value(await self._actor.generate.remote(request))
        return reply

    async def warning(self) -> str:
        text: str = value(await self._actor.warning.remote())
        return text


class Answering(Crew[Respondent]):
    """Workers that each hold a generator."""

    def __init__(self, hire: Callable[[], Any], share: Share, offers: str, patience: float) -> None:
        super().__init__(lambda: Respondent(hire()), share, offers, patience)

    async def employ(self, member: Respondent) -> None:
        """Until it dies: whoever waits for its next warning hears of that."""
        while True:
            log.warning("%s", await member.warning())

    async def ask(self, request: Request) -> Reply:
        """The reply of one of them. Raises SampleError where too many died over the question."""
        packed = pickle.dumps(request, protocol=5)
        for _ in range(FATAL):
            await self.unless_failed(self.somebody())
            member = min(self._members, key=lambda one: one.busy)
            member.busy += 1
            try:
                return await member.generate(packed)
            except RayError:
                if member in self._members:  # so that no other question goes there before its death is known
                    self._members.remove(member)
            finally:
                member.busy -= 1
        raise SampleError("generate", f"{FATAL} workers died over this question")


class RayGenerator(Generator):
    """The generator of a job, as workers answer in its stead; it says of itself what that one says."""

    name = "ray"

    def __init__(self, generator: Generator, executor: "RayExecutor") -> None:
        super().__init__()
        self._generator, self._executor = generator, executor
        self._crew: Answering | None = None
        self._workers = 1

    def identity(self) -> dict[str, Any]:
        return self._generator.identity()

    def describe(self) -> dict[str, Any]:
        return self._generator.describe()

    @property
    def concurrency(self) -> int:
        return self._generator.concurrency * self._workers

    @property
    def takes_clips(self) -> bool:
        return self._generator.takes_clips

    @property
    def model(self) -> str | None:
        return self._crew.model if self._crew else None

    def provenance(self) -> dict[str, Any]:
        return self._crew.found if self._crew else {}

    async def open(self) -> None:
        from pgen_ray.answerer import Answerer

        crew = await self._executor.staffed(Answering, Answerer, self._generator, self._generator.gpus)
        self._crew, self._workers = crew, crew.places

    async def generate(self, request: Request) -> Reply:
        assert self._crew is not None
        return await self._crew.ask(request)

    async def close(self) -> None:
        await self._executor.close()
