from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pgen_segment.changes import change_points

signals = arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 2)), elements=st.integers(-4, 4).map(float))


def error(signal, cuts, penalty):
    pieces = [signal[a:b] for a, b in pairwise([0, *cuts, len(signal)])]
    return sum(((piece - piece.mean(axis=0)) ** 2).sum() + penalty for piece in pieces)


@given(signals, st.floats(0.1, 20), st.data())
def test_no_other_cut_is_better(signal, penalty, data):
    length = len(signal)
    steps = data.draw(st.lists(st.floats(0.05, 0.3), min_size=length, max_size=length))
    times = np.cumsum([0.0, *steps])
    shortest = data.draw(st.floats(0, 0.6))

    def fits(cuts):
        return not cuts or all(times[b] - times[a] >= shortest - 1e-3 for a, b in pairwise([0, *cuts, length]))

    every = (cuts for count in range(length) for cuts in combinations(range(1, length), count))
    best = min(error(signal, cuts, penalty) for cuts in every if fits(cuts))
    found = change_points(signal, penalty, times, shortest)
    assert fits(found)
    assert error(signal, found, penalty) == pytest.approx(best)


def test_a_long_still_signal_and_a_long_noisy_one_are_one_piece():
    times = np.arange(6001) * 0.1
    assert change_points(np.zeros((6000, 3)), 3.0, times, 0.3) == []
    noise = np.random.default_rng(0).normal(size=(6000, 3)) * 0.1
    assert change_points(noise, 3.0, times, 0.3) == []


def test_steps_are_found_where_they_are():
    signal = np.repeat([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]], [20, 5, 40], axis=0)
    assert change_points(signal, 1.0, np.arange(66) * 0.1, 0.3) == [20, 25]
