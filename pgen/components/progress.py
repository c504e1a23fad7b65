"""Callbacks that show the progress of long phases, in bytes."""

from collections.abc import Callable

type Step = Callable[[int], object]
"""Called with the number of bytes done since the last call."""


type Phase = Callable[[str, int], Step]
"""Begins a phase, given its name and its total number of bytes."""


def silent(name: str, total: int) -> Step:
    """Begin a phase without showing its progress."""
    return lambda count: None
