"""Groups of items on their way: what a worker was given, what has come back, and what is left if it dies."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pgen.components import Work


class Assignment(NamedTuple):
    """A group as it goes to a worker, with the results that its rollouts will recall."""

    number: int
    items: list[Any]
    recorded: dict[Any, Any]


class Outcome(NamedTuple):
    """A result of the item at `position` of a group; `last` ends its rollout."""

    number: int
    position: int
    result: Any
    last: bool


@dataclass(slots=True)
class Group:
    """Items that one worker has."""

    items: list[Any]
    deaths: int = 0
    """Workers that died while they had it."""
    _open: set[int] = field(init=False)
    _latest: dict[int, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._open = set(range(len(self.items)))

    @property
    def done(self) -> bool:
        """Whether all rollouts have ended."""
        return not self._open

    def receive(self, outcome: Outcome) -> None:
        """Take note of a committed result."""
        if outcome.last:
            self._open.discard(outcome.position)
        else:
            self._latest[outcome.position] = outcome.result

    def rest(self, work: Work) -> "Group":
        """Return what another worker has to do after this one died."""
        left = [self._remaining(position, work) for position in sorted(self._open)]
        return Group([item for item in left if item is not None], self.deaths + 1)

    def _remaining(self, position: int, work: Work) -> Any:
        item = self.items[position]
        return work.remaining(item, self._latest[position]) if position in self._latest else item
