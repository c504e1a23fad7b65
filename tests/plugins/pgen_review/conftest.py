import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
import segment_helpers
from review_helpers import Served, annotated, served
from shared_folder import made_once

import pgen


@pytest.fixture(scope="session")
def numbered_run(tmp_path_factory) -> Path:
    """A run with two episodes, whose pictures show the number of their frame."""
    made = made_once(tmp_path_factory, "numbered-run", annotated)
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("review") / "run")) / "cups-annotated"


@pytest.fixture(scope="session")
def segmentation(tmp_path_factory) -> Path:
    """A segmentation of two episodes by the motion of an arm, with subtasks; `data` beside it is its input."""
    folder = tmp_path_factory.mktemp("review-spans")
    data = segment_helpers.dataset(folder / "data", segment_helpers.episode(), segment_helpers.episode())
    return segment_helpers.segmented(data, folder / "spans", "--segmenter", "gripper", "--write-subtasks")


@pytest.fixture(scope="session")
def annotated_segmentation(segmentation) -> Path:
    """The same episodes with a dialogue for each of the spans."""
    pgen.annotate(segmentation, segmentation.parent / "annotated", generator="template")
    return segmentation.parent / "annotated"


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
    def run(folder: Path, *options: str, **started: str):
        with served(folder, *options, **started) as running:
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
    browser.release()
    browser.driver.get("about:blank")
    browser.offline(True)
    assert browser.complaints() == []
