from array import array

from hypothesis import given
from hypothesis import strategies as st

from pgen_results.counts import Metrics
from pgen_results.selection import choose, choose_samples

SIZES = st.lists(st.integers(1, 20), min_size=1, max_size=20)


@given(st.lists(st.integers(0, 3), max_size=100), st.integers(1, 120))
def test_the_highest_ranks_are_chosen_first_and_as_many_as_fit(ranks, limit):
    chosen = choose(ranks, limit)
    assert sum(chosen) == min(limit, len(ranks))
    left_out = [rank for rank, kept in zip(ranks, chosen, strict=True) if not kept]
    kept = [rank for rank, kept in zip(ranks, chosen, strict=True) if kept]
    assert not left_out or max(left_out) <= min(kept)


@given(st.integers(1, 200), st.integers(1, 200))
def test_items_of_one_rank_are_chosen_evenly(items, limit):
    chosen = choose([0] * items, limit)
    for start in range(items):
        for end in (start + 1, items):
            share = sum(chosen[start:end]) - (end - start) * min(limit, items) / items
            assert abs(share) <= 1


@given(SIZES, st.data())
def test_every_episode_is_shown_before_a_second_sample_without_a_problem(sizes, data):
    total = sum(sizes)
    badness = data.draw(st.lists(st.sampled_from((0, 0, 0, 1, 30)), min_size=total, max_size=total))
    problems = sum(map(bool, badness))
    limit = data.draw(st.integers(max(1, min(total, problems + len(sizes))), total))
    metrics = Metrics(badness=bytearray(badness), sizes=array("L", sizes))
    shown = choose_samples(metrics, limit)
    assert [len(of_episode) for of_episode in shown] == sizes
    assert sum(sum(of_episode) for of_episode in shown) == limit
    assert all(any(of_episode) for of_episode in shown)
    flat = [kept for of_episode in shown for kept in of_episode]
    assert all(kept for kept, bad in zip(flat, badness, strict=True) if bad)
