"""Ten ways to break pgen's promises on purpose: the suite has to see each."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def turned_on(name: str) -> Iterator[None]:
    yield
