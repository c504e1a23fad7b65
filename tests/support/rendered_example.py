"""The demo's dataset, rendered once in a test run."""

import shutil
from pathlib import Path

import shared_folder

from pgen_demo import example


def write_example(root: Path) -> Path:
    """Write a copy of the dataset to a new folder."""
    made = shared_folder.made_once(
        shared_folder.factory, "example", lambda folder: example.write_example(folder / "data")
    )
    return Path(shutil.copytree(made / "data", root))
