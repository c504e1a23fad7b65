"""The number of requests that a server is sent at once: the maximum, until it answers that it is busy.

Each wave of 429 and 503 halves the number. It returns quickly to what the server accepted before, and then grows
slowly; where the server accepts more than before, it grows by one for each round of responses.
"""

from dataclasses import dataclass

SLOW_ROUNDS = 8
"""Rounds of responses for each further request near the number that was too many: a failed trial costs most of a
round."""


@dataclass(slots=True)
class RateLimit:
    """A number of requests between 1 and `maximum`."""

    maximum: int
    _now: float = 0.0
    _wave: int = 0
    _too_many: float | None = None
    """The number at which the server was busy last."""

    def __post_init__(self) -> None:
        self._now = float(self.maximum)

    @property
    def allowed(self) -> int:
        return int(self._now)

    @property
    def wave(self) -> int:
        """The number of halvings so far. A request notes it at its start: those of an earlier wave halve nothing."""
        return self._wave

    def answered(self) -> None:
        """Raise the limit after a response."""
        if self._too_many is not None and self._now > self._too_many + 1:
            self._too_many = None
        self._now = min(self.maximum, self._now + self._step())

    def busy(self, wave: int) -> bool:
        """Halve the limit for a request that began in `wave`. Return whether it was halved."""
        if wave != self._wave:
            return False
        self._wave += 1
        self._too_many = self._now
        self._now = max(1.0, self._now / 2)
        return True

    def _step(self) -> float:
        if self._too_many is None:
            return 1 / self._now
        missing = self._too_many - 1 - self._now
        return min(1.0, missing) if missing > 0 else 1 / (SLOW_ROUNDS * self._now)
