"""Where rollouts run: the contracts between a run, its work, and the executor that carries it out.

A run gives an executor a `Work` and groups of items. A rollout is the coroutine that turns one item into a result; it
sends any number of requests, one at a time. Results go to the run's `Recorder`, which owns the journal and returns once
a result is committed. Results never depend on the executor.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

from pgen.components.base import Component, OptionsT
from pgen.components.generator import Generator
from pgen.components.source import Source
from pgen.records import Usage

type Groups = Iterator[list[Any]] | AsyncIterator[list[Any]]
"""Items in groups that one process takes at once, such as the samples of an episode. Read in a thread, or awaited."""

type Recall = Callable[[Any], Any]
"""Return the journal's result for a key (a Sample, or the key of a KeyedResult), or None. May wait for the disk."""


class KeyedResult(NamedTuple):
    """A JSON value that the journal stores under a key made from content, and what it cost."""

    key: str
    value: Any
    usage: Usage


class Recorder(ABC):
    """Takes the results of rollouts. The caller waits, so that what it sent is committed before it sends more."""

    @abstractmethod
    def recall(self, key: Any) -> Any:
        """Return the journal's result for a key, or None. Call it in a thread: it may wait for the disk."""

    @abstractmethod
    async def record(self, item: Any, result: Any) -> None:
        """Return once an intermediate result of the item's rollout is committed."""

    async def record_all(self, item: Any, results: Sequence[Any]) -> None:
        """Return once these intermediate results, in their order, are committed."""
        await asyncio.gather(*(self.record(item, result) for result in results))

    @abstractmethod
    async def finish(self, item: Any, result: Any) -> None:
        """Return once the last result of the item's rollout, which may be None, is committed."""


class Work(ABC):
    """Rollouts by one source and one generator. It can be pickled, and is opened anew in each process.

    Results can be pickled as well and have a `usage`; those that are an Annotation or a KeyedResult are stored.
    """

    source: Source
    generator: Generator

    def open(self) -> None:
        """Open what rollouts need besides the generator; called where that is not open already."""
        self.source.open()

    def close(self) -> None:
        """Release what `open` took."""
        self.source.close()

    @abstractmethod
    async def run(self, groups: Groups, recorder: Recorder, stop: asyncio.Event) -> None:
        """Run a rollout for each item, `generator.concurrency` at once; once `stop` is set, begin no request.

        A rollout that was stopped does not finish. The generator is open.
        """

    async def recorded(self, item: Any, recall: Recall) -> dict[Any, Any]:
        """Return the results that the item's rollout will recall, by key: they are sent to where no journal is."""
        return {}

    def remaining(self, item: Any, last: Any) -> Any:
        """Return what is left of an item after its latest result, where a process died; None where nothing is."""
        return item

    @abstractmethod
    async def give_up(self, item: Any, reason: str, recorder: Recorder) -> None:
        """Record the failure of an item that no process survives."""


class Executor(Component[OptionsT]):
    """Carries out one piece of work after the other: `open`, `run` once or more, `close`."""

    kind = "executor"
    settles: ClassVar[bool] = False
    """Whether it can run generators that defer requests: it has one generator, in this process."""

    def check(self, components: Sequence[Component]) -> None:
        """Raise ConfigError where it cannot be used, or not with these components. Costs nothing."""

    def plan(self) -> str:
        """Return where the work will be done, for a dry run; empty where there is nothing to report."""
        return ""

    @abstractmethod
    async def open(self, work: Work) -> None:
        """Get ready to send requests, generators included. Release everything before raising PgenError."""

    @property
    @abstractmethod
    def model(self) -> str | None:
        """The name of the model, once open; all workers have the same."""

    @abstractmethod
    def generator_provenance(self) -> dict[str, Any]:
        """Return what `Generator.provenance` does, once closed."""

    @abstractmethod
    async def run(self, groups: Iterator[list[Any]], recorder: Recorder, stop: asyncio.Event) -> None:
        """Do what `Work.run` does for all groups. Raises the PgenError of a component, or WorkersError."""

    async def close(self) -> None:
        """Release what `open` took."""

    def provenance(self) -> dict[str, Any]:
        """Return how many `workers` there were at most, and how many `deaths` of workers, over all work."""
        return {"workers": 1, "deaths": 0}
