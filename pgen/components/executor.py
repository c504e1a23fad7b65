"""Where the work of a run is done: one small interface between a run and whoever carries it out.

The run plans, keeps the journal and writes; an executor is given episodes with their samples, and gives back an
annotation for each, in any order. What comes of a sample never depends on the executor.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from pgen.components.base import Component, OptionsT
from pgen.components.generator import Generator
from pgen.inference.pipeline import Emit, Pipeline
from pgen.records import Sample


class Executor(Component[OptionsT]):
    """Carries out pipelines, one after the other: `open`, `run` once or more, `close`."""

    kind = "executor"

    def check(self, components: Sequence[Component]) -> None:
        """Raises ConfigError where it cannot be used, or not with these components. Nothing is paid for yet."""

    def plan(self) -> str:
        """What a user should know of where the work will be done; empty where there is nothing to say."""
        return ""

    async def open(self, pipeline: Pipeline) -> None:
        """Make ready to ask: whoever answers is open afterwards. Releases everything where it raises PgenError."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    @property
    def model(self) -> str | None:
        """The name of the model that answers, once open; all workers have the same."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def found(self) -> dict[str, Any]:
        """What the generator found out at run time (`Generator.provenance`), once closed."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    async def run(self, groups: Iterator[list[Sample]], emit: Emit, stop: asyncio.Event) -> None:
        """Ask about every sample of `groups`, as `Pipeline.run` does; once `stop` is set, ask no more and return.

        What ends the run early is raised as it is: a PgenError of a component, or WorkersError.
        """
        raise NotImplementedError  # abstract: whoever implements this kind says it

    async def close(self) -> None:
        """Release what `open` took."""

    def answering(self, generator: Generator) -> Generator:
        """Who answers the requests of a job that asks by itself, in the generator's stead; by default that one."""
        return generator

    def provenance(self) -> dict[str, Any]:
        """How many `workers` there were at most, and how many `deaths` of workers, over all pipelines."""
        return {"workers": 1, "deaths": 0}
