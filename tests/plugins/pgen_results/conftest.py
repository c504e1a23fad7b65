import os
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
    """A folder with a dataset, `data`, and its annotated copy, `out`."""
    folder = tmp_path_factory.mktemp("report")
    root = report_runs.rendered(folder / "data", codec="png")
    pgen.annotate(root, folder / "out", generator="template")
    return folder


@pytest.fixture
def out(dataset, tmp_path):
    return shutil.copytree(dataset / "out", tmp_path / "out")


@pytest.fixture(scope="session")
def browser():
    """One browser for all; without one, tests are skipped, or fail where PGEN_REQUIRE_BROWSER is set."""
    module = pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
    if missing := module.missing():
        message = f"no {' and no '.join(missing)}: on Debian, apt-get install chromium chromium-driver"
        pytest.fail(message) if os.environ.get("PGEN_REQUIRE_BROWSER") else pytest.skip(message)
    with module.browser() as window:
        yield window
