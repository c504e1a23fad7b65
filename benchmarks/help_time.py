"""How long `pgen --help` takes, against what it cannot do without: a Python process that imports click.

Both are run in turn, so that what else the machine does meets both alike; the ratio is the median of the
pairs'.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

from common.table import Row, main

PAIRS = 15
HELP = [str(Path(sys.executable).with_name("pgen")), "--help"]
CLICK = [sys.executable, "-c", "import click"]


def seconds(command: list[str]) -> float:
    """The time of one run."""
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - began


def ratio(pairs: int) -> float:
    """The median over `pairs`, after one pair that fills the caches."""
    found = [seconds(HELP) / seconds(CLICK) for _ in range(pairs + 1)]
    return median(found[1:])


def lines(tiny: bool = False) -> Iterator[Row]:
    """One line: the ratio."""
    pairs = 2 if tiny else PAIRS
    measure = f"`pgen --help`, times `python -c 'import click'` ({pairs} pairs)"
    yield Row(measure, f"{ratio(pairs):.1f}", "1")


if __name__ == "__main__":
    main(lines)
