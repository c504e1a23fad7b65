"""The CPU time of `pgen --help`, compared with the minimum: a Python process that imports click.

Both run in turn, so that other load affects both alike; the ratio is the median of the pairs. Modules are compiled
before.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from common.table import Row, main

PAIRS = 15
HELP = [str(Path(sys.executable).with_name("pgen")), "--help"]
CLICK = [sys.executable, "-c", "import click"]


def seconds(command: list[str]) -> float:
    """Return the CPU time of one run."""
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = _of_children()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=compiled)
    return _of_children() - before


def lines(tiny: bool = False) -> Iterator[Row]:
    """Yield the median ratio of the pairs, after one pair that fills the caches, and the median seconds."""
    pairs = 2 if tiny else PAIRS
    measured = [(seconds(HELP), seconds(CLICK)) for _ in range(pairs + 1)][1:]
    measure = f"`pgen --help`, times `python -c 'import click'` ({pairs} pairs)"
    others = {"in CPU seconds": f"{median(ours for ours, _ in measured):.2f}"}
    yield Row(measure, f"{median(ours / theirs for ours, theirs in measured):.1f}", "1", others)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(lines)
