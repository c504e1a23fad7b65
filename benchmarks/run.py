"""Runs the benchmarks and prints what they find. Usage: run.py [NAME …]; all of them where none is named."""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every benchmark beside this file: a module with `lines()`."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != Path(__file__).stem)


def main() -> None:
    unknown = set(sys.argv[1:]) - set(names())
    if unknown:
        sys.exit(f"there is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(names())}.")
    for name in sys.argv[1:] or names():
        print(f"{name} (python benchmarks/{name}.py)")
        for line in import_module(name).lines():
            print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
