"""Callbacks that show the progress of long phases."""

from collections.abc import Callable
from typing import Protocol

type Step = Callable[[int], object]
"""Called with the number of units done since the last call."""


class Phase(Protocol):
    """Begins a phase, which ends the one before."""

    def __call__(self, name: str, total: int | None, unit: str = "B") -> Step:
        """Return the phase's callback, given its name, its number of units if known, and their name (B: bytes)."""


def silent(name: str, total: int | None, unit: str = "B") -> Step:
    """Begin a phase without showing its progress."""
    return lambda count: None
