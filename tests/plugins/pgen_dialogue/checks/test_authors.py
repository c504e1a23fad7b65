"""The checks on the dialogues of ten authors, which benchmarks/checks.py measures."""

import runpy
from pathlib import Path

import pytest

AUTHORS = [("a", 160), ("b", 160), ("c", 120), ("g", 120), ("h", 120), ("i", 150), ("j", 150), ("l", 160)]
"""Those whose dialogues were read to improve the rules, with the number of good ones."""
UNREAD = [("k", 150), ("m", 160)]
"""Those of whom only totals were read."""
RECALL = {"a": 0.92, "b": 0.91, "c": 0.91, "g": 0.9, "h": 0.83, "i": 0.87, "j": 0.83, "k": 0.82, "l": 0.88, "m": 0.7}
BENCHMARK = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "checks.py"))


@pytest.mark.parametrize(("author", "share"), RECALL.items())
def test_most_of_the_faulty_dialogues_have_a_finding(author, share):
    assert BENCHMARK["recall"](author) >= share


@pytest.mark.parametrize(("author", "number"), AUTHORS)
def test_at_most_3_percent_of_the_good_dialogues_have_a_finding(author, number):
    with_finding, good = BENCHMARK["shares"](author)[""]
    assert good == number
    assert with_finding <= 0.03 * good


@pytest.mark.parametrize(("author", "number"), UNREAD)
def test_at_most_5_percent_of_the_good_dialogues_that_nobody_read_have_a_finding(author, number):
    with_finding, good = BENCHMARK["shares"](author)[""]
    assert good == number
    assert with_finding <= 0.05 * good
