"""How long `pgen --help` takes, against what it cannot do without: a Python process that imports click.

Both are run in turn, so that what else the machine does meets both alike; the ratio is the median of the
pairs'. Their CPU time counts, and modules are compiled before.
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
    """The CPU time of one run."""
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = _of_children()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=compiled)
    return _of_children() - before


def lines(tiny: bool = False) -> Iterator[Row]:
    """The median of the ratios of pairs, after one that fills the caches, and of the seconds."""
    pairs = 2 if tiny else PAIRS
    found = [(seconds(HELP), seconds(CLICK)) for _ in range(pairs + 1)][1:]
    measure = f"`pgen --help`, times `python -c 'import click'` ({pairs} pairs)"
    told = {"in CPU seconds": f"{median(ours for ours, _ in found):.2f}"}
    yield Row(measure, f"{median(ours / theirs for ours, theirs in found):.1f}", "1", told)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(lines)
