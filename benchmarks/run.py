"""Runs the benchmarks and prints what they find: run.py [--tiny] [--write PAGE] [NAME …]; all, where none is named.

`--tiny` shows that they run, at sizes whose figures mean nothing. `--write` puts the figures into the page's table.
"""

import argparse
from importlib import import_module
from pathlib import Path

from common.table import Row, update

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every benchmark beside this file: a module with `lines()`."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != Path(__file__).stem)


def run(name: str, *, tiny: bool, page: Path | None) -> None:
    """Print a benchmark's lines as they come; those that are rows of the table are written at its end."""
    print(f"{name} (python benchmarks/{name}.py)")
    rows = []
    for line in import_module(name).lines(tiny):
        print(f"  {line}", flush=True)
        rows += [line] if isinstance(line, Row) else []
    if page and rows:
        update(page, name, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs benchmarks, all of them where none is named.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--tiny", action="store_true", help="only show that they run")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures into this page's table")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(names())):
        raise SystemExit(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(names())}.")
    for name in given.names or names():
        run(name, tiny=given.tiny, page=given.write)


if __name__ == "__main__":
    main()
