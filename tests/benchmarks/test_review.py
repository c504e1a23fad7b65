"""The benchmark of `pgen review` runs in a browser, at a size whose results mean nothing."""

import os
import sys
from pathlib import Path

import pytest
from figures import PERFORMANCE, kind, rows
from forked import run_pgen

RUN = Path(__file__).parents[2] / "benchmarks/run.py"


def test_the_benchmark_of_reviews_prints_a_row_for_each_measure(tmp_path):
    browser = pytest.importorskip("browser", reason="selenium is not installed", exc_type=ImportError)
    if missing := browser.missing():
        message = f"no {' and no '.join(missing)}"
        pytest.fail(message) if os.environ.get("PGEN_REQUIRE_BROWSER") else pytest.skip(message)
    environment = {**os.environ, "PGEN_BENCHMARKS": str(tmp_path)}
    result = run_pgen([sys.executable, RUN, "--tiny", "review"], environment)
    assert result.returncode == 0, result.stderr[-3000:]
    title, *lines = result.stdout.splitlines()
    assert title == "review (python benchmarks/review.py)"
    assert len(lines) == 19
    assert all(": pgen " in line and "; limit " in line for line in lines)
    table = rows(PERFORMANCE.read_text(encoding="utf-8")).get("review", ())
    assert set(map(kind, table)) <= {kind(line.strip().partition(": pgen ")[0]) for line in lines}
    (wrong,) = (line for line in lines if "wrong frames" in line)
    assert wrong.endswith(": pgen 0; limit 0")
