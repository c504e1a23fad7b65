import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from review_helpers import Served, annotated, served

TOP = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def numbered_run(tmp_path_factory) -> Path:
    """A run with two episodes, whose pictures show the number of their frame."""
    return annotated(tmp_path_factory.mktemp("review"))


@pytest.fixture(scope="session")
def faulty(tmp_path_factory) -> Path:
    """A run with planted faults of every kind, in two episodes."""
    folder = tmp_path_factory.mktemp("review-faulty")
    command = [sys.executable, TOP / "tools/faulty_run.py", folder, "--samples", "120"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "out"


@pytest.fixture(scope="session")
def server(numbered_run, tmp_path_factory):
    """A server of a copy of the run, as a review admits one process."""
    folder = shutil.copytree(numbered_run, tmp_path_factory.mktemp("served") / numbered_run.name)
    with served(folder) as running:
        yield running


@pytest.fixture(scope="session")
def faulty_server(faulty):
    with served(faulty) as running:
        yield running


@pytest.fixture
def serve(browser):
    """Run a server for the page, which is left before the server ends."""

    @contextmanager
    def run(folder: Path, *options: str):
        with served(folder, *options) as running:
            yield running
            browser.driver.get("about:blank")

    return run


@pytest.fixture
def visit(browser):
    """Open the page of a server, at a place of its address; the console must stay empty."""

    def open_page(server: Served, place: str = ""):
        browser.driver.get("about:blank")
        browser.driver.get(f"{server.address}{place}")
        browser.until("document.getElementById('clock')?.textContent")
        return browser

    browser.offline(False)
    browser.resize(1440)
    browser.colours("light")
    yield open_page
    browser.driver.get("about:blank")
    browser.offline(True)
    assert browser.complaints() == []
