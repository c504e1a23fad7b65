"""How many requests a server is given at once: all it may have, until it says that it is busy.

Each wave of 429 and 503 halves the number. What the server took before is soon reached again; from there on the
number creeps, and where the server then takes more than it did, it climbs by one for each whole round of answers.
"""

from dataclasses import dataclass

CREEP = 8
"""Rounds of answers for each further request at once, near the number that was too much before: a try that fails
costs the better part of a round."""


@dataclass(slots=True)
class Limit:
    """A number of requests between 1 and `most`."""

    most: int
    _now: float = 0.0
    _wave: int = 0
    _too_much: float | None = None
    """The number at which the server was busy last."""

    def __post_init__(self) -> None:
        self._now = float(self.most)

    @property
    def allowed(self) -> int:
        return int(self._now)

    @property
    def wave(self) -> int:
        """Noted by a request as it starts: those that started before the last halving halve nothing."""
        return self._wave

    def answered(self) -> None:
        """A request was answered."""
        if self._too_much is not None and self._now > self._too_much + 1:
            self._too_much = None
        self._now = min(self.most, self._now + self._step())

    def busy(self, wave: int) -> bool:
        """A server was too busy for a request that started in `wave`. True where the number fell."""
        if wave != self._wave:
            return False
        self._wave += 1
        self._too_much = self._now
        self._now = max(1.0, self._now / 2)
        return True

    def _step(self) -> float:
        if self._too_much is None:
            return 1 / self._now
        short = self._too_much - 1 - self._now
        return min(1.0, short) if short > 0 else 1 / (CREEP * self._now)
