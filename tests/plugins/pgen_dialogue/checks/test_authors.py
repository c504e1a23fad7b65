"""The checks on the dialogues of two authors, which benchmarks/checks.py measures."""

import runpy
from pathlib import Path

import pytest

BENCHMARK = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "checks.py"))


@pytest.mark.parametrize("author", BENCHMARK["AUTHORS"])
def test_at_least_85_percent_of_the_faulty_dialogues_have_a_finding(author):
    assert BENCHMARK["recall"](author) >= 0.85


@pytest.mark.parametrize("author", BENCHMARK["AUTHORS"])
def test_at_most_3_percent_of_the_good_dialogues_have_a_finding(author):
    with_finding, good = BENCHMARK["shares"](author)[""]
    assert good == 160
    assert with_finding <= 0.03 * good
