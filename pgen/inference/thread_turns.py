"""For how long one thread may run Python code while others wait to."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH = 0.0005
"""Seconds for which one thread may run Python code while others wait to (Python's default is 0.005). A decoder does so
for microseconds, between calls of libraries that take a millisecond: it must not wait long for the event loop."""


@contextmanager
def short_turns() -> Iterator[None]:
    """Let threads change after `SWITCH` seconds while the block runs."""
    former = sys.getswitchinterval()
    sys.setswitchinterval(min(former, SWITCH))
    try:
        yield
    finally:
        sys.setswitchinterval(former)
