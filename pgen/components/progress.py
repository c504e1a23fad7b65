"""Progress of phases that take long: called with the bytes that were done."""

from collections.abc import Callable

type Step = Callable[[int], object]
"""Called with the number of bytes that were done since the last call."""


type Phase = Callable[[str, int], Step]
"""Begins a phase that takes long, given its name and its number of bytes."""


def silent(name: str, total: int) -> Step:
    """A phase whose progress nobody sees."""
    return lambda count: None
