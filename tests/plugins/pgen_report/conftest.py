import shutil
from pathlib import Path

import pytest
import report_runs

import pgen


@pytest.fixture(scope="session")
def many(tmp_path_factory) -> Path:
    """The report of two thousand samples."""
    return report_runs.many(tmp_path_factory.mktemp("report-many") / "many") / "report.html"


@pytest.fixture(scope="session")
def dataset(tmp_path_factory):
    """A dataset and its annotated copy."""
    folder = tmp_path_factory.mktemp("report")
    root = report_runs.rendered(folder / "data")
    pgen.annotate(root, folder / "out", generator="template")
    return folder


@pytest.fixture
def out(dataset, tmp_path):
    return shutil.copytree(dataset / "out", tmp_path / "out")
