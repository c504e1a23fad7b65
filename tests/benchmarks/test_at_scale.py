"""The simulation agrees with calculations by hand, and its tables are written into the docs."""

import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from forked import run_pgen

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "benchmarks"))

from common.simulation import Machine, simulate  # noqa: E402 - the folder of benchmarks is no package

IDLE = Machine(1, 1, 8, decode=1e-4, request=1e-4, latency=4.0, commit=1e-4, store=1e-5)
PAGE = "Before.\n\n<!-- figures -->\nold\n<!-- end of figures -->\n\nAfter.\n"


@pytest.mark.parametrize(
    ("machine", "rate", "fullest"),
    [
        (IDLE, 8 / 4.0, "the servers"),
        (replace(IDLE, servers=10), 80 / 4.0, "the servers"),
        (replace(IDLE, servers=10, decode=0.5), 2 / 0.5, "decoding"),
        (replace(IDLE, servers=10, decode=0.5, processes=3), 6 / 0.5, "decoding"),
        (replace(IDLE, servers=10, request=0.2), 1 / 0.2, "the event loop"),
        (replace(IDLE, servers=20, store=0.1), 1 / 0.1, "the journal"),
    ],
    ids=["one server", "ten servers", "decoding", "decoding in three processes", "event loop", "journal"],
)
def test_the_rate_is_that_of_the_busiest_stage(machine, rate, fullest):
    outcome = simulate(machine, 4000)
    assert outcome.rate == pytest.approx(rate, rel=0.08)
    assert outcome.fullest == fullest
    assert outcome.busy[fullest] == pytest.approx(1.0, abs=0.1)


def test_the_first_paragraph_states_the_figures_of_the_table():
    text = (TOP / "docs/scale.md").read_text(encoding="utf-8")
    (row,) = re.findall(r"^\| DROID, default run \| (.*) \|$", text, re.MULTILINE)
    _, dialogues, _, hours, dollars, *_ = row.split(" | ")
    stated = re.search(r"about (\d+) hours on one H100, which is (\d+) dollars, and produces ([\d.]+) million", text)
    values = [float(cell.removesuffix(" M")) for cell in (hours, dollars, dialogues)]
    assert [float(number) for number in stated.groups()] == pytest.approx(values, rel=0.02)


def test_the_same_seed_gives_the_same_run():
    assert simulate(IDLE, 200, seed=3) == simulate(IDLE, 200, seed=3) != simulate(IDLE, 200, seed=4)


def test_the_tables_are_printed_and_replace_the_former_ones(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    environment = {**os.environ, "PGEN_BENCHMARKS": str(tmp_path / "data")}
    script = TOP / "benchmarks/at_scale.py"
    flags = ["--tiny", "--write", page, "--image", "640x480", "--gpu-tokens", "1000", "--in-flight", "8"]
    done = run_pgen([sys.executable, script, *flags], environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert page.read_text() == PAGE.replace("old\n", done.stdout)
    assert f"| an image | {23 * 17 + 2} tokens | 640x480" in done.stdout
    assert "| what a GPU computes and writes | 1000 tokens per second |" in done.stdout
    assert "| requests in flight per GPU | 8 |" in done.stdout
    for gpus in (1, 8, 64):
        assert re.search(rf"^\| {gpus} \| the main process \| ", done.stdout, re.MULTILINE)
