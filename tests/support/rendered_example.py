"""The demo's dataset, rendered once in each process of the tests."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

from pgen_demo import example


@cache
def _rendered() -> "tuple[tempfile.TemporaryDirectory[str], Path]":
    folder = tempfile.TemporaryDirectory(prefix="pgen-example-", ignore_cleanup_errors=True)
    return folder, example.write_example(Path(folder.name) / "data")


def write_example(root: Path) -> Path:
    """Write a copy of the dataset to a new folder."""
    return Path(shutil.copytree(_rendered()[1], root))
