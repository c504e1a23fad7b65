from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pgen_segment.motion.change_points import TREND, change_points

signals = arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 2)), elements=st.integers(-4, 4).map(float))


def error(signal, cuts, penalty, turning):
    pieces = [signal[a:b] for a, b in pairwise([0, *cuts, len(signal)])]
    return sum(cost(piece, penalty, turning) + penalty for piece in pieces)


def cost(piece, penalty, turning):
    trend = misfit(piece[:, :turning], 1) + misfit(piece[:, turning:], 0) + TREND * penalty
    return min(misfit(piece, 0), trend)


def misfit(piece, degree):
    powers = np.vander(np.arange(len(piece)), degree + 1)
    fitted = powers @ np.linalg.lstsq(powers, piece, rcond=None)[0]
    return ((piece - fitted) ** 2).sum()


@given(signals, st.floats(0.1, 20), st.data())
def test_no_other_cut_is_better(signal, penalty, data):
    length = len(signal)
    steps = data.draw(st.lists(st.floats(0.05, 0.3), min_size=length, max_size=length))
    times = np.cumsum([0.0, *steps])
    shortest = data.draw(st.floats(0, 0.6))

    def fits(cuts):
        return not cuts or all(times[b] - times[a] >= shortest - 1e-3 for a, b in pairwise([0, *cuts, length]))

    every = (cuts for count in range(length) for cuts in combinations(range(1, length), count))
    turning = data.draw(st.integers(0, signal.shape[1]))
    best = min(error(signal, cuts, penalty, turning) for cuts in every if fits(cuts))
    cuts = change_points(signal, penalty, times, shortest, turning)
    assert fits(cuts)
    assert error(signal, cuts, penalty, turning) == pytest.approx(best)


def test_a_long_still_signal_and_a_long_noisy_one_are_one_piece():
    times = np.arange(6001) * 0.1
    assert change_points(np.zeros((6000, 3)), 3.0, times, 0.3) == []
    noise = np.random.default_rng(0).normal(size=(6000, 3)) * 0.1
    assert change_points(noise, 3.0, times, 0.3) == []


def test_steps_are_found_where_they_are():
    signal = np.repeat([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]], [20, 5, 40], axis=0)
    assert change_points(signal, 1.0, np.arange(66) * 0.1, 0.3) == [20, 25]


def test_what_turns_steadily_is_one_piece_and_what_turns_at_once_is_two():
    angles = np.linspace(0, 2, 40)
    turning = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    times = np.arange(41) * 0.1
    assert change_points(turning, 1.5, times, 0.3, 2) == []
    assert change_points(turning, 1.5, times, 0.3) == [13, 26]
    assert change_points(turning[[0] * 20 + [39] * 20], 1.5, times, 0.3, 2) == [20]
