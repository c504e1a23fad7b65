"""The executor `local`: rollouts in this process, with one generator and a few threads that decode."""

import asyncio
from collections.abc import Iterator
from typing import Any

from pgen.components import Executor, Recorder, Work


class Local(Executor):
    """This process, with one generator."""

    name = "local"
    settles = True

    async def open(self, work: Work) -> None:
        self._work = work
        await work.generator.open()

    @property
    def model(self) -> str | None:
        return self._work.generator.model

    def generator_provenance(self) -> dict[str, Any]:
        return self._work.generator.provenance()

    async def run(self, groups: Iterator[list[Any]], recorder: Recorder, stop: asyncio.Event) -> None:
        await self._work.run(groups, recorder, stop)

    async def close(self) -> None:
        await self._work.generator.close()
