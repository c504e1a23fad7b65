"""Every benchmark runs, at a size whose results mean nothing, and writes its rows into the docs."""

import os
import sys
from pathlib import Path

import pytest
from figures import PERFORMANCE, kind, rows
from forked import run_pgen_and_lerobot

from pgen.media import images

TOP = Path(__file__).parents[2]
RUN = TOP / "benchmarks/run.py"
RUN_TINY = ["in_flight", "main_job", "decoding", "write_out", "memory", "many_episodes"]
RUN_TINY_LONG = ["executors", "transformers_rate", "vllm_tokens"]
TABLE = rows(PERFORMANCE.read_text(encoding="utf-8"))
PAGE = """Before.

<!-- figures -->
| measure | pgen | limit | others | command |
|---|---|---|---|---|
| another | 1 | 1 |  | `python benchmarks/another.py` |
| old | 9 | 1 |  | `python benchmarks/help_time.py` |
<!-- end of figures -->

After.
"""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """The folder of the datasets that benchmarks have rendered."""
    return tmp_path_factory.mktemp("rendered")


def run(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "PGEN_BENCHMARKS": str(folder)}
    result = run_pgen_and_lerobot([sys.executable, RUN, *arguments], environment)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


@pytest.mark.parametrize("name", [*RUN_TINY, *(pytest.param(it, marks=pytest.mark.long) for it in RUN_TINY_LONG)])
def test_a_benchmark_runs_and_prints_pgen_s_results(rendered, name):
    title, *lines = run(rendered, "--tiny", *(["--fork"] if name in RUN_TINY else []), name).splitlines()
    assert title == f"{name} (python benchmarks/{name}.py)"
    assert lines
    assert all(": pgen " in line for line in lines)
    assert all("answers lost: pgen 0.0%" in line for line in lines if "answers lost" in line)
    measured = {kind(line.strip().partition(": pgen ")[0]) for line in lines}
    assert set(map(kind, TABLE.get(name, ()))) <= measured, "a row of docs/performance.md is no longer measured"


def test_every_benchmark_has_a_test():
    listed = {path.stem for path in RUN.parent.glob("*.py")} - {"run"}
    elsewhere = {"at_scale", "checks", "dialogue", "labels", "profile_job", "segment", "tokens", "value"}
    in_table = {*RUN_TINY, *RUN_TINY_LONG, "gpu_cost", "help_time", "report_page", "review"}
    assert listed == elsewhere | in_table
    assert set(TABLE) <= in_table


def test_the_parts_of_the_profile_add_up_to_the_whole_job(rendered):
    _, *parts, total = run(rendered, "--tiny", "--fork", "profile_job").splitlines()
    shares = {line[2:38].strip(): float(line[38:].rstrip("%")) for line in parts}
    assert {"decoding", "JPEG", "planning", "journal", "output"} < set(shares)
    assert float(total.rpartition(" ")[2]) > 0
    assert abs(sum(shares.values()) - 100) < 1
    assert all(shares[part] > 0 for part in ("decoding", "JPEG", "imports", "output"))
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_rows_replace_the_benchmark_s_former_rows_and_no_others(rendered, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    run(rendered, "--tiny", "--write", str(page), "help_time", "labels")
    before, figures, after = page.read_text().replace("<!-- end of", "<!--").split("<!-- figures -->\n")
    assert (before, after) == ("Before.\n\n", "\nAfter.\n")
    written = figures.splitlines()[2:]
    commands = [row.rpartition("`python ")[2] for row in written]
    assert commands == ["benchmarks/another.py` |", "benchmarks/help_time.py` |"]
    assert "| old |" not in figures
    assert set(map(kind, TABLE["help_time"])) <= {kind(row.split(" | ")[0].removeprefix("| ")) for row in written}


def test_the_pages_have_a_place_for_the_figures():
    for name in ("performance", "scale"):
        page = (TOP / f"docs/{name}.md").read_text(encoding="utf-8")
        assert page.count("<!-- figures -->\n") == page.count("<!-- end of figures -->\n") == 1


def test_the_limit_encodes_images_with_pgen_s_quality(monkeypatch):
    monkeypatch.syspath_prepend(str(RUN.parent))
    from common import limits

    assert limits.QUALITY == images.QUALITY
