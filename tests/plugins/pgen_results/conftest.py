import shutil
from pathlib import Path

import pytest
import report_runs
from report_pages import PROMPT, comparison_of, report_of
from report_runs import HOSTILE, reply
from shared_folder import made_once

import pgen
from pgen_results import page
from pgen_results.preview import run_preview
from pgen_results.preview_view import preview_page
from pgen_results.read import open_segmentation
from pgen_results.report_page import ReportOptions
from pgen_results.skills_page import skills_page


@pytest.fixture(scope="session")
def many(tmp_path_factory) -> Path:
    """The report of two thousand samples."""
    made = made_once(tmp_path_factory, "report-many", lambda folder: report_runs.many(folder / "many"))
    return made / "many/report.html"


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


@pytest.fixture
def show(browser, tmp_path):
    """Open a page from its text; the console must stay empty."""

    def show_page(text):
        page.write(tmp_path / "page.html", text)
        browser.open(tmp_path / "page.html")
        return browser

    # Tests of other pages may have left the browser at the size and in the colours of theirs.
    browser.resize(1280)
    browser.colours("light")
    yield show_page
    assert browser.complaints() == []


@pytest.fixture(scope="session")
def faulty_report(faulty):
    """The report of the run with planted faults."""
    return report_of(faulty)


@pytest.fixture(scope="session")
def skills(dataset, tmp_path_factory):
    """The report of a segmentation with two spans, a hostile name, and failed episodes."""
    spans = [{"name": "reach", "start": 0, "end": 1.2}, {"name": HOSTILE, "start": 1.2, "end": 1.9}]
    answers = [spans, *([pgen.SampleError("refused", "no, thanks")] * 3)]
    out = report_runs.segmented(dataset / "data", tmp_path_factory.mktemp("skills") / "out", *answers, overwrite=True)
    with open_segmentation(out) as segmentation:
        return skills_page(segmentation, ReportOptions())


@pytest.fixture(scope="session")
def pages(skills, dataset, tmp_path_factory):
    """A page of each kind with hostile text, by name."""
    text = reply(PROMPT, PROMPT)
    out = report_runs.run(tmp_path_factory.mktemp("hostile") / "out", text, skills=[(HOSTILE, 0.0, 1.0)])
    preview = run_preview(None, (), {"root": dataset / "data", "generator": "template", "max_samples": 3})
    return {
        "report": report_of(out),
        "compare": comparison_of(out, out),
        "skills": skills,
        "preview": preview_page(preview),
    }
