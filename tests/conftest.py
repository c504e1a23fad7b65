"""Fixtures for the whole suite: real datasets where there are any, drawn ones everywhere."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")


@pytest.fixture(scope="session")
def shared_datasets() -> Path:
    """The folder of real datasets; a missing one is a failure in CI and a skip elsewhere."""
    folder = os.environ.get("PGEN_DATASETS")
    if folder and Path(folder).is_dir():
        return Path(folder)
    told = f"no real datasets: PGEN_DATASETS is {folder!r}, which is not a folder"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)
