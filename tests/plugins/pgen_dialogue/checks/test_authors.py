"""The checks on the dialogues of eight authors, which benchmarks/checks.py measures."""

import runpy
from pathlib import Path

import pytest

AUTHORS = [("a", 160), ("b", 160), ("c", 120), ("g", 120), ("h", 120), ("i", 150), ("j", 150)]
"""Those whose dialogues were read to improve the rules, with the number of good ones."""
RECALL = {"a": 0.9, "b": 0.9, "c": 0.9, "g": 0.88, "h": 0.8, "i": 0.87, "j": 0.82, "k": 0.75}
BENCHMARK = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "checks.py"))


@pytest.mark.parametrize(("author", "share"), RECALL.items())
def test_most_of_the_faulty_dialogues_have_a_finding(author, share):
    assert BENCHMARK["recall"](author) >= share


@pytest.mark.parametrize(("author", "number"), AUTHORS)
def test_at_most_3_percent_of_the_good_dialogues_have_a_finding(author, number):
    with_finding, good = BENCHMARK["shares"](author)[""]
    assert good == number
    assert with_finding <= 0.03 * good
