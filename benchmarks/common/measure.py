"""Measure work in a process of its own: its seconds, its CPU time and its peak memory.

Times are compared within a run only, from rounds in which the contenders take turns, so that other load on the machine
affects all of them.
"""

import multiprocessing as mp
import re
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

MB = 1_000_000
start_method = "spawn"
"""How a process starts: with `spawn` it has imported nothing, with `fork` what its parent has."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds and CPU seconds of the work, without the start of Python; `peak` is the process's memory in bytes."""

    seconds: float
    cpu: float
    peak: int
    result: Any


def cost(work: Callable[..., Any], *arguments: Any) -> Cost:
    """Run `work(*arguments)` in a new process and return its cost, including its imports where it is spawned."""
    with ProcessPoolExecutor(1, mp.get_context(start_method)) as pool:
        return pool.submit(_measured, work, *arguments).result()


def rounds[T](count: int, contenders: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Run the contenders in turn, `count` times, and return the results of each."""
    results: dict[str, list[T]] = {name: [] for name in contenders}
    for _ in range(count):
        for name, contend in contenders.items():
            results[name].append(contend())
    return results


def ratio(ours: list[float], theirs: list[float]) -> float:
    """Return the median of the ratios of the rounds."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def better(*contenders: list[float]) -> list[float]:
    """Return the best of several contenders in each round."""
    return [min(times) for times in zip(*contenders, strict=True)]


def in_folder(work: Callable[..., Any], root: Path) -> Callable[[], Cost]:
    """Return a function that measures `work` on a dataset, with a temporary output folder on the same disk."""

    def run() -> Cost:
        with TemporaryDirectory(dir=root.parent) as folder:
            return cost(work, root, Path(folder))

    return run


def _measured(work: Callable[..., Any], *arguments: Any) -> Cost:
    sys.dont_write_bytecode = False  # an installed package has its bytecode: it is compiled in the first round
    began, busy = perf_counter(), process_time()
    result = work(*arguments)
    seconds, cpu = perf_counter() - began, process_time() - busy
    # Not ru_maxrss, which a process inherits from the one that started it.
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return Cost(seconds, cpu, int(match[1]) * 1024 if match else 0, result)
