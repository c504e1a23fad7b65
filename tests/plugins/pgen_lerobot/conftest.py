"""Datasets that many tests begin with."""

import shutil
from pathlib import Path

import pytest
from old_layout import ONE_A_FILE, as_v21
from sink_helpers import annotate, dataset


@pytest.fixture(scope="session")
def rendered_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dataset(tmp_path_factory.mktemp("rendered") / "in")


@pytest.fixture
def root(rendered_root: Path, tmp_path: Path) -> Path:
    """A dataset of v3.0 with images in the data."""
    return Path(shutil.copytree(rendered_root, tmp_path / "in"))


@pytest.fixture
def old_root(tmp_path: Path) -> Path:
    """The same of v2.1."""
    return as_v21(dataset(tmp_path / "in", **ONE_A_FILE))


@pytest.fixture
def out(root: Path, tmp_path: Path) -> Path:
    """The annotated dataset of v3.0."""
    return annotate(root, tmp_path / "out")
