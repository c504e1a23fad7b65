"""Which test files are slow: those that start a process, a server or a model, or render a dataset.

`pytest --fast` leaves them out; else they come first, so that at the end of a run no worker waits for a long file.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SUPPORT = Path(__file__).parent
TESTS = SUPPORT.parent
SLOW = {
    "browser",
    "multiprocessing",
    "pgen_demo",
    "pgen_ray",
    "ray",
    "selenium",
    "socket",
    "socketserver",
    "subprocess",
    "torch",
    "transformers",
}
"""Modules whose import makes a test file slow, also through the modules of tests/support."""
FOLDERS = ("benchmarks", "docs", "faults", "packaging", "pins", "servers")
_IMPORT = re.compile(r"^[ \t]*(?:import|from)[ \t]+(\w+)", re.MULTILINE)


@cache
def is_slow(file: Path) -> bool:
    """Return whether a test file, or a support module that it imports, imports one of SLOW."""
    names = set(imported(file))
    helpers = (SUPPORT / f"{name}.py" for name in names)
    return not names.isdisjoint(SLOW) or any(
        is_slow(helper) for helper in helpers if helper.exists() and helper != file
    )


def imported(file: Path) -> Iterator[str]:
    """Yield the top-level names of all imports in a file, also of those in the code of a string."""
    return (match[1] for match in _IMPORT.finditer(file.read_text(encoding="utf-8")))


def is_slow_test(item: pytest.Item) -> bool:
    """Return whether a test is marked as long, needs a package, or reads real datasets or a model."""
    fixtures = getattr(item, "fixturenames", ())
    marked = any(item.get_closest_marker(name) for name in ("long", "needs"))
    return marked or not {"shared_datasets", "tiny_checkpoint"}.isdisjoint(fixtures)


def order(item: pytest.Item) -> int:
    """Return a key that sorts tests of the slow folders before those of slow files, and both before the others."""
    return _order(item.path)


@cache
def _order(file: Path) -> int:
    if not {TESTS / name for name in FOLDERS}.isdisjoint(file.parents):
        return 0
    return 1 if is_slow(file) else 2


def is_left_out(path: Path) -> bool:
    """Return whether `--fast` leaves a file or folder out."""
    if path.is_dir():
        return path.parent == TESTS and path.name in FOLDERS
    return path.name.startswith("test_") and is_slow(path)
