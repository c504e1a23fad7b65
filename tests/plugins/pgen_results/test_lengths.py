"""The lengths of texts on the report: their histogram and their median."""

from collections import Counter
from statistics import median_low

from hypothesis import given
from hypothesis import strategies as st

from pgen_results.report_page import histogram, median


def test_a_histogram_holds_every_text_in_bars_of_one_width():
    bars = histogram(dict.fromkeys(range(3, 90), 1))
    assert sum(count for _, _, count in bars) == 87
    assert len(bars) <= 24
    assert {last - first for first, last, _ in bars} == {bars[0][1] - bars[0][0]}
    assert histogram({}) == []


@given(st.lists(st.integers(1, 50), min_size=1))
def test_the_median_is_that_of_the_texts(lengths):
    assert median(Counter(lengths)) == median_low(lengths)
