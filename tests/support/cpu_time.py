"""CPU time of a piece of work, corrected for a machine that other processes slow down."""

import re
import time

_REFERENCE = re.compile(r"\b(?!)")
"""The simplest pattern that is tried at every place of a text and never matches."""
_TEXT = "in " * 333_333
_QUIET = 0.015
"""CPU seconds that `_REFERENCE` takes for `_TEXT` where nothing else runs.

Other processes make a processor slower: they share its caches and its clock.
"""
_ATTEMPTS = 5


def cpu_seconds(work, limit):
    """Return the CPU time of this thread for `work`, in seconds of a quiet machine.

    An attempt above `limit` is divided by the time of the reference directly after it and repeated; the fastest counts.
    """
    times = []
    for _ in range(_ATTEMPTS):
        times.append(_measure(work))
        if times[-1] > limit:
            times[-1] /= max(1.0, _measure(lambda: _REFERENCE.search(_TEXT)) / _QUIET)
        if times[-1] <= limit:
            break
    return min(times)


def _measure(work):
    start = time.thread_time()
    work()
    return time.thread_time() - start
