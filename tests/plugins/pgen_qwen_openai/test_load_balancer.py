"""Which server gets the next request, and how many it gets at once; the tests move the time themselves."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from pgen_qwen_openai.load_balancer import FIRST_BREAK, MAX_FAILURES, LoadBalancer, RateLimit


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def balancer(count=2, concurrency=4):
    clock = Clock()
    return clock, LoadBalancer([f"http://{number}" for number in range(count)], concurrency, clock)


async def next_url(servers):
    async with servers.acquire() as server:
        return server.url


def test_the_least_busy_server_is_next():
    async def go():
        _, servers = balancer()
        async with servers.acquire() as first, servers.acquire() as second:
            assert {first.url, second.url} == {"http://0", "http://1"}
            first.in_flight += 1
            return await next_url(servers), second.url

    chosen, least = asyncio.run(go())
    assert chosen == least


def test_no_more_than_allowed_are_acquired_and_the_next_waits():
    async def go():
        _, servers = balancer(1, concurrency=2)
        async with servers.acquire():
            async with servers.acquire():
                waiting = asyncio.create_task(next_url(servers))
                await asyncio.sleep(0)
                assert not waiting.done()
            return await waiting

    assert asyncio.run(go()) == "http://0"


def test_a_failing_server_is_set_aside_and_later_tried_with_one_request():
    async def go():
        clock, servers = balancer()
        bad, good = servers.all
        for _ in range(MAX_FAILURES):
            servers.failed(bad)
        assert [await next_url(servers) for _ in range(3)] == [good.url] * 3
        clock.now += FIRST_BREAK + 1
        async with servers.acquire() as trial, servers.acquire() as other, servers.acquire() as third:
            assert {trial.url, other.url, third.url} == {bad.url, good.url}
            assert bad.in_flight == 1
        servers.failed(bad)
        assert await next_url(servers) == good.url
        clock.now += FIRST_BREAK + 1
        assert bad.aside_until > clock.now
        clock.now += FIRST_BREAK
        servers.answered(bad)
        assert not bad.failing

    asyncio.run(go())


def test_the_only_server_is_still_used_when_it_fails():
    async def go():
        _, servers = balancer(1)
        for _ in range(20):
            servers.failed(servers.all[0])
        return await next_url(servers)

    assert asyncio.run(go()) == "http://0"


def test_a_server_that_names_a_time_gets_no_request_before():
    async def go():
        clock, servers = balancer()
        servers.busy(servers.all[0], 0, 5.0)
        assert [await next_url(servers) for _ in range(3)] == ["http://1"] * 3
        clock.now += 5.0
        servers.all[1].in_flight = 3
        return await next_url(servers)

    assert asyncio.run(go()) == "http://0"


def test_a_server_that_is_too_busy_for_one_request_is_paused_for_longer_each_time():
    clock, servers = balancer(1, concurrency=1)
    (only,) = servers.all
    pauses = []
    for wave in range(3):
        servers.busy(only, wave, None)
        pauses.append(only.paused_until - clock.now)
    servers.answered(only)
    assert pauses == [0.5, 1.0, 2.0]
    assert only.pauses == 0


def test_a_wave_of_busy_responses_halves_once():
    limit = RateLimit(64)
    wave = limit.wave
    assert [limit.busy(wave) for _ in range(64)] == [True] + [False] * 63
    assert limit.allowed == 32
    for _ in range(10):
        limit.busy(limit.wave)
    assert limit.allowed == 1


def test_the_former_number_returns_quickly_and_a_larger_one_slowly():
    limit = RateLimit(64)
    limit.busy(limit.wave)
    for responses, allowed in ((31, 63), (4 * 63, 63), (10_000, 64)):
        for _ in range(responses):
            limit.answered()
        assert limit.allowed == allowed


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
