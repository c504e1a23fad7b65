"""What the rollouts of a segmenter count: requests, tokens, and changes in the replies of the model."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from pgen.records import Usage


class Counted(Protocol):
    """A result of a rollout. `recalled` counts responses that the journal had, `changes` those by a note."""

    @property
    def usage(self) -> Usage: ...
    @property
    def recalled(self) -> int: ...
    @property
    def changes(self) -> Counter[str]: ...


@dataclass(slots=True)
class RolloutCounts:
    """The sums over all results."""

    usage: Usage = field(default_factory=lambda: Usage(attempts=0))
    recalled: int = 0
    changes: Counter[str] = field(default_factory=Counter)

    def add(self, result: Counted) -> None:
        self.usage += result.usage
        self.recalled += result.recalled
        self.changes += result.changes

    def notes(self) -> Iterator[str]:
        """Yield the counts as lines of a report."""
        yield from (f"note       {count:,} {change}" for change, count in sorted(self.changes.items()))
        if self.usage.attempts or self.recalled:
            yield f"requests   {self.usage.attempts:,} sent, {self.recalled:,} replies from the journal"
        if self.usage.tokens_out:
            yield f"tokens     {self.usage.summary()}"

    def provenance(self) -> dict[str, Any]:
        """Return the counts as JSON values."""
        return {
            "changes": dict(sorted(self.changes.items())),
            "tokens": self.usage.tokens(),
            "attempts": self.usage.attempts,
        }
