"""Runs the pipeline in this process, with many requests in flight and two threads that decode."""

import asyncio
from collections.abc import Iterator
from typing import Any

from pgen.components.executor import Executor
from pgen.inference.pipeline import Emit, Pipeline
from pgen.records import Sample


class Local(Executor):
    """This process, with one generator."""

    name = "local"

    async def open(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        await pipeline.generator.open()

    @property
    def model(self) -> str | None:
        return self._pipeline.generator.model

    def found(self) -> dict[str, Any]:
        return self._pipeline.generator.provenance()

    async def run(self, groups: Iterator[list[Sample]], emit: Emit, stop: asyncio.Event) -> None:
        await self._pipeline.run(groups, emit, stop)

    async def close(self) -> None:
        await self._pipeline.generator.close()
