from pathlib import Path

import pytest
import report_runs


@pytest.fixture(scope="session")
def many(tmp_path_factory) -> Path:
    """The report of two thousand samples."""
    return report_runs.many(tmp_path_factory.mktemp("report-many") / "many") / "report.html"
