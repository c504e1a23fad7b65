"""Who is asked next, how often, and when again; time is a number that the test moves."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen_qwen_openai.load_balancer import FIRST_BREAK, MAX_FAILURES, LoadBalancer
from pgen_qwen_openai.rate_limit import RateLimit
from pgen_qwen_openai.retry import retry_after


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def scene(count=2, most=4):
    clock = Clock()
    return clock, LoadBalancer([f"http://{number}" for number in range(count)], most, clock)


async def url_of_next(endpoints):
    async with endpoints.acquire() as endpoint:
        return endpoint.url


def test_the_least_busy_is_next():
    async def go():
        _, endpoints = scene()
        async with endpoints.acquire() as first, endpoints.acquire() as second:
            assert {first.url, second.url} == {"http://0", "http://1"}
            first.in_flight += 1
            return await url_of_next(endpoints), second.url

    chosen, least = asyncio.run(go())
    assert chosen == least


def test_no_more_than_allowed_are_taken_and_the_next_waits_for_its_turn():
    async def go():
        _, endpoints = scene(1, most=2)
        async with endpoints.acquire():
            async with endpoints.acquire():
                waiting = asyncio.create_task(url_of_next(endpoints))
                await asyncio.sleep(0)
                assert not waiting.done()
            return await waiting

    assert asyncio.run(go()) == "http://0"


def test_one_that_keeps_failing_is_set_aside_then_tried_with_one_request():
    async def go():
        clock, endpoints = scene()
        bad, good = endpoints.all
        for _ in range(MAX_FAILURES):
            endpoints.failed(bad)
        assert [await url_of_next(endpoints) for _ in range(3)] == [good.url] * 3
        clock.now += FIRST_BREAK + 1
        async with endpoints.acquire() as trial, endpoints.acquire() as other, endpoints.acquire() as third:
            assert {trial.url, other.url, third.url} == {bad.url, good.url}
            assert bad.in_flight == 1
        endpoints.failed(bad)
        assert await url_of_next(endpoints) == good.url
        clock.now += FIRST_BREAK + 1
        assert bad.aside_until > clock.now
        clock.now += FIRST_BREAK
        endpoints.answered(bad)
        assert not bad.failing

    asyncio.run(go())


def test_where_all_fail_all_are_still_tried():
    async def go():
        _, endpoints = scene(1)
        for _ in range(20):
            endpoints.failed(endpoints.all[0])
        return await url_of_next(endpoints)

    assert asyncio.run(go()) == "http://0"


def test_one_that_names_a_time_is_left_alone_until_then():
    async def go():
        clock, endpoints = scene()
        endpoints.busy(endpoints.all[0], 0, 5.0)
        assert [await url_of_next(endpoints) for _ in range(3)] == ["http://1"] * 3
        clock.now += 5.0
        endpoints.all[1].in_flight = 3
        return await url_of_next(endpoints)

    assert asyncio.run(go()) == "http://0"


def test_one_that_is_too_busy_for_one_request_gets_a_pause_that_grows():
    clock, endpoints = scene(1, most=1)
    (only,) = endpoints.all
    pauses = []
    for wave in range(3):
        endpoints.busy(only, wave, None)
        pauses.append(only.paused_until - clock.now)
    endpoints.answered(only)
    assert pauses == [0.5, 1.0, 2.0]
    assert only.pauses == 0


def test_a_wave_of_busy_answers_halves_once():
    limit = RateLimit(64)
    wave = limit.wave
    assert [limit.busy(wave) for _ in range(64)] == [True] + [False] * 63
    assert limit.allowed == 32


def test_what_was_taken_before_is_soon_allowed_again_and_more_only_slowly():
    limit = RateLimit(64)
    limit.busy(limit.wave)
    for _ in range(31):
        limit.answered()
    assert limit.allowed == 63
    for _ in range(4 * 63):
        limit.answered()
    assert limit.allowed == 63
    for _ in range(10_000):
        limit.answered()
    assert limit.allowed == 64


def served(limit, capacities, rounds=60):
    """The share of what a server can take that it was given, for each of its capacities in turn, and the refusals.

    A request takes one of `steps` a round, which begin all over it; one that is refused makes way for another.
    """
    steps, in_flight, found = 50, [], []
    for capacity in capacities:
        taken = refused = 0
        for step in range(rounds * steps):
            ended = [end for end in in_flight if end <= step]
            in_flight = [end for end in in_flight if end > step]
            for _ in ended:
                limit.answered()
            waves = [limit.wave] * (limit.allowed - len(in_flight))
            for wave in waves:
                if len(in_flight) < capacity:
                    in_flight.append(step + steps)
                    taken += 1
                else:
                    limit.busy(wave)
                    refused += 1
                    break
        in_flight = [end - rounds * steps for end in in_flight]
        found.append((taken / (capacity * rounds), refused))
    return found


@given(capacity=st.integers(4, 60))
def test_a_server_that_takes_only_so_many_gets_nearly_all_that_it_takes_and_is_seldom_asked_for_more(capacity):
    ((share, refused),) = served(RateLimit(64), [capacity])
    assert share >= 0.9
    assert refused <= 40


def test_a_server_that_takes_fewer_and_then_more_is_followed():
    _, (fewer, _), (more, _) = served(RateLimit(256), [128, 20, 128], rounds=120)
    assert fewer >= 0.9
    assert more >= 0.45


def test_one_request_is_always_allowed():
    limit = RateLimit(2)
    for _ in range(10):
        limit.busy(limit.wave)
    assert limit.allowed == 1


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("-1", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("Thu, 01 Jan 2026 00:00:30 -0000", 30.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(header, seconds):
    assert retry_after(header, lambda: NOW) == seconds
