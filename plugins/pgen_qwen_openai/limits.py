"""How many requests a server is given at once: all it may have, until it says that it is busy.

Each wave of 429 and 503 halves the number; each whole round of answers adds one.
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Limit:
    """A number of requests between 1 and `most`."""

    most: int
    _now: float = 0.0
    _wave: int = 0

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
        """A request was answered: climb, by one in as many answers as are allowed at once."""
        self._now = min(self.most, self._now + 1 / self._now)

    def busy(self, wave: int) -> bool:
        """A server was too busy for a request that started in `wave`. True where the number fell."""
        if wave != self._wave:
            return False
        self._wave += 1
        self._now = max(1.0, self._now / 2)
        return True
