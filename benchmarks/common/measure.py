"""Work measured in a process of its own: its seconds, its CPU time and the most memory that it held.

Times are compared within a run only, from rounds in which the contenders take turns, so that what else the
machine does meets all of them.
"""

import multiprocessing as mp
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds and CPU seconds of the work, without those of Python's start; `peak` is the process's, in bytes."""

    seconds: float
    cpu: float
    peak: int
    result: Any


def cost(work: Callable[..., Any], *arguments: Any) -> Cost:
    """What `work(*arguments)` costs in a fresh process. Whatever it imports is part of it."""
    with ProcessPoolExecutor(1, mp.get_context("spawn")) as pool:
        return pool.submit(_measured, work, *arguments).result()


def rounds[T](count: int, contenders: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """What each contender gives, `count` times in turn."""
    found: dict[str, list[T]] = {name: [] for name in contenders}
    for _ in range(count):
        for name, contend in contenders.items():
            found[name].append(contend())
    return found


def ratio(ours: list[float], theirs: list[float]) -> float:
    """The median of the rounds' own ratios."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def better(*contenders: list[float]) -> list[float]:
    """The best of several contenders, round by round."""
    return [min(times) for times in zip(*contenders, strict=True)]


def _measured(work: Callable[..., Any], *arguments: Any) -> Cost:
    began, busy = perf_counter(), process_time()
    result = work(*arguments)
    seconds, cpu = perf_counter() - began, process_time() - busy
    # Not ru_maxrss, which a process takes over from the one that started it.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return Cost(seconds, cpu, int(found[1]) * 1024 if found else 0, result)
