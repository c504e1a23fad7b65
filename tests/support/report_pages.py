"""Pages about runs in folders, as text."""

from pathlib import Path

from report_runs import HOSTILE

from pgen_results.compare import compare_runs
from pgen_results.compare_page import compare_page
from pgen_results.read import open_results
from pgen_results.report_page import ReportOptions, report_page

PROMPT = " ".join(f"Grab it. {HOSTILE}".replace("\x1b", "").split())
"""A prompt of hostile text, as a page shows it."""
LOADED = "[...document.images].every((image) => image.complete && image.naturalWidth > 0)"
"""Whether every image of a page is shown, as an expression."""


def report_of(folder: Path) -> str:
    """Return the report of a run."""
    with open_results(folder) as results:
        return report_page(results, ReportOptions())


def comparison_of(first: Path, second: Path) -> str:
    """Return the comparison of two runs."""
    with open_results(first) as a, open_results(second) as b:
        return compare_page(compare_runs(a, b))
