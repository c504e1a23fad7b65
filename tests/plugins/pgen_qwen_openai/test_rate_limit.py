"""How the number of requests at once follows what a server accepts."""

from hypothesis import given
from hypothesis import strategies as st

from pgen_qwen_openai.load_balancer import RateLimit


def test_a_wave_of_busy_responses_halves_once():
    limit = RateLimit(64)
    wave = limit.wave
    assert [limit.busy(wave) for _ in range(64)] == [True] + [False] * 63
    assert limit.allowed == 32


def test_the_former_number_returns_quickly_and_a_larger_one_slowly():
    limit = RateLimit(64)
    limit.busy(limit.wave)
    for responses, allowed in ((31, 63), (4 * 63, 63), (10_000, 64)):
        for _ in range(responses):
            limit.answered()
        assert limit.allowed == allowed


def test_one_request_is_always_allowed():
    limit = RateLimit(2)
    for _ in range(10):
        limit.busy(limit.wave)
    assert limit.allowed == 1


def simulate(limit, capacities, rounds=60):
    """Return the used share of a server's capacity, and the refusals, for each capacity in turn.

    A request takes a round of `steps`, and begins at any of them. After a refusal nothing is sent until the next step.
    """
    steps, in_flight, shares = 50, [], []
    for capacity in capacities:
        accepted = refused = 0
        for step in range(rounds * steps):
            done = [end for end in in_flight if end <= step]
            in_flight = [end for end in in_flight if end > step]
            for _ in done:
                limit.answered()
            for wave in [limit.wave] * (limit.allowed - len(in_flight)):
                if len(in_flight) >= capacity:
                    limit.busy(wave)
                    refused += 1
                    break
                in_flight.append(step + steps)
                accepted += 1
        in_flight = [end - rounds * steps for end in in_flight]
        shares.append((accepted / (capacity * rounds), refused))
    return shares


@given(capacity=st.integers(4, 60))
def test_a_server_is_used_to_its_capacity_and_seldom_sent_more(capacity):
    ((share, refused),) = simulate(RateLimit(64), [capacity])
    assert share >= 0.9
    assert refused <= 40


def test_a_capacity_that_falls_and_rises_is_followed():
    _, (fallen, _), (risen, _) = simulate(RateLimit(256), [128, 20, 128], rounds=120)
    assert fallen >= 0.9
    assert risen >= 0.45
