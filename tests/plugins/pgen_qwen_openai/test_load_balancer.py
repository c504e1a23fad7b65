"""Which server gets the next request; the tests move the time themselves."""

import asyncio

from pgen_qwen_openai.load_balancer import FIRST_BREAK, MAX_FAILURES, LoadBalancer


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
