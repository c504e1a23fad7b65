"""Which test files `pytest --fast` runs: those that start no process, no server and no model, and render no dataset."""

import ast
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


@cache
def is_slow(file: Path) -> bool:
    """Return whether a test file, or a support module that it imports, imports one of SLOW."""
    names = set(imported(file))
    helpers = (SUPPORT / f"{name}.py" for name in names)
    return not names.isdisjoint(SLOW) or any(
        is_slow(helper) for helper in helpers if helper.exists() and helper != file
    )


def imported(file: Path) -> Iterator[str]:
    """Yield the top-level names of all imports in a file."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def is_slow_test(item: pytest.Item) -> bool:
    """Return whether a test is marked as long, needs a package, or reads real datasets or a model."""
    fixtures = getattr(item, "fixturenames", ())
    marked = any(item.get_closest_marker(name) for name in ("long", "needs"))
    return marked or not {"shared_datasets", "tiny_checkpoint"}.isdisjoint(fixtures)


def is_left_out(path: Path) -> bool:
    """Return whether `--fast` leaves a file or folder out."""
    if path.is_dir():
        return path.parent == TESTS and path.name in FOLDERS
    return path.name.startswith("test_") and is_slow(path)
