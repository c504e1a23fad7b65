"""The checks on the dialogues of five authors, which benchmarks/checks.py measures."""

import runpy
from pathlib import Path

import pytest

BENCHMARK = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "checks.py"))


@pytest.mark.parametrize(("author", "share"), [("a", 0.9), ("b", 0.9), ("c", 0.9), ("g", 0.88), ("h", 0.8)])
def test_most_of_the_faulty_dialogues_have_a_finding(author, share):
    assert BENCHMARK["recall"](author) >= share


@pytest.mark.parametrize(("author", "number"), [("a", 160), ("b", 160), ("c", 120), ("g", 120), ("h", 120)])
def test_at_most_3_percent_of_the_good_dialogues_have_a_finding(author, number):
    with_finding, good = BENCHMARK["shares"](author)[""]
    assert good == number
    assert with_finding <= 0.03 * good
