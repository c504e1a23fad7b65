"""Run benchmarks and print their results: run.py [--tiny [--fork]] [--write PAGE] [NAME …]; all of them by default.

`--tiny` only checks that they run, at sizes whose results mean nothing; with `--fork` in processes that need not import
again what this one has, for benchmarks without threads. `--write` updates the table of a page.
"""

import argparse
from importlib import import_module
from pathlib import Path

from common import measure
from common.table import Row, update

HERE = Path(__file__).parent


def names() -> list[str]:
    """Return the benchmarks beside this file: modules with a function `lines`."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != Path(__file__).stem)


def run(name: str, *, tiny: bool, page: Path | None) -> None:
    """Print a benchmark's lines as they are computed, and write its rows into the table at the end."""
    print(f"{name} (python benchmarks/{name}.py)")
    rows = []
    for line in import_module(name).lines(tiny):
        print(f"  {line}", flush=True)
        rows += [line] if isinstance(line, Row) else []
    if page and rows:
        update(page, name, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run benchmarks, by default all.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--tiny", action="store_true", help="only check that they run")
    parser.add_argument("--fork", action="store_true", help="fork the measured processes: their costs mean nothing")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="update the table of this page")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(names())):
        raise SystemExit(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(names())}.")
    if options.fork:
        measure.start_method = "fork"
    for name in options.names or names():
        run(name, tiny=options.tiny, page=options.write)


if __name__ == "__main__":
    main()
