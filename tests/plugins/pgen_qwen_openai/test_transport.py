"""What libcurl makes of servers, proxies and lines that go dead: an answer, or an error of the right kind."""

import asyncio
import socket
import ssl
from contextlib import aclosing, asynccontextmanager

import pytest
import trustme

from pgen_qwen_openai import transport as http
from pgen_qwen_openai.retry import PassingError, RejectedError
from pgen_qwen_openai.transport import Answer, Http

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def serving(answer, *, close=False):
    """A server that says the same to each request; gives its address and the heads that it was sent."""
    heads = []

    async def handle(reader, writer):
        try:
            while not heads or not close:
                heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                writer.write(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads


@asynccontextmanager
async def client(timeout=20.0, **headers):
    async with aclosing(Http(headers, timeout)) as one:
        yield one


def test_what_is_asked_again_goes_over_the_same_connection():
    async def go():
        async with serving(OK) as (url, heads), client(**{"X-One": "1"}) as one:
            answers = [await one.send(f"{url}/v1/models") for _ in range(3)]
            assert [(answer.status, answer.body) for answer in answers] == [(200, b"{}")] * 3
            assert heads[0].startswith("GET /v1/models HTTP/1.1\r\n")
            assert "X-One: 1\r\n" in heads[0]
            return len(heads)

    assert asyncio.run(go()) == 3


def test_a_connection_that_was_closed_while_nobody_used_it_costs_no_error():
    async def go():
        heads = []

        async def once(reader, writer):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(OK)
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(once, "127.0.0.1", 0) as server, client() as one:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            for _ in range(20):
                assert (await one.send(url)).status == 200
        return len(heads)

    assert asyncio.run(go()) == 20


@pytest.mark.parametrize("size", [400, 100_000])
def test_what_a_kept_connection_loses_is_sent_again_and_counted(size):
    async def go():
        asked = 0

        async def handle(reader, writer):
            nonlocal asked
            while not reader.at_eof():
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(size)
                asked += 1
                if asked == 2:
                    break
                writer.write(OK)
            writer.close()

        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server, client() as one:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            return [(await one.send(url, b"x" * size)).sent for _ in range(3)], asked

    assert asyncio.run(go()) == ([1, 2, 1], 4)


@pytest.mark.parametrize(
    "answer",
    [
        b"good day\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"",
    ],
)
def test_what_is_no_answer_may_pass(answer):
    async def go():
        async with serving(answer, close=True) as (url, _), client() as one:
            await one.send(url)

    with pytest.raises(PassingError) as caught:
        asyncio.run(go())
    assert caught.value.kind == "broken"


def test_an_answer_that_says_it_is_too_long_is_not_read():
    async def go():
        async with (
            serving(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 40)) as (url, _),
            client() as one,
        ):
            await one.send(url)

    with pytest.raises(RejectedError, match="more than 1 MB"):
        asyncio.run(go())


def test_a_server_that_takes_no_connection_is_told_from_one_that_does_not_answer(monkeypatch):
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.2)

    async def ask(scheme, timeout):
        async with client(timeout=timeout) as one:
            await one.send(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/", b"{}")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(PassingError, match=r"no connection in 0\.2 s") as caught:
            asyncio.run(ask("https", 20))  # it never begins with TLS
        assert caught.value.kind == "unreachable"
        with pytest.raises(PassingError, match=r"did not answer within 0\.3 s") as caught:
            asyncio.run(ask("http", 0.3))
        assert caught.value.kind == "slow"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:{free}/", PassingError),
        ("https://127.0.0.1:{plain}/", RejectedError),
        ("https://127.0.0.1:{cut}/", PassingError),
        ("http://127.0.0.1:{free}0000/", RejectedError),
        ("http://exa mple/", RejectedError),
    ],
)
def test_an_address_that_cannot_be_right_is_told_from_a_server_that_is_gone(url, error):
    async def go():
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports = {"free": free.getsockname()[1]}

        async def refuse(reader, writer):
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async def cut(reader, writer):
            writer.transport.abort()

        async with (
            await asyncio.start_server(refuse, "127.0.0.1", 0) as plain,
            await asyncio.start_server(cut, "127.0.0.1", 0) as cutting,
            client() as one,
        ):
            ports |= {"plain": plain.sockets[0].getsockname()[1], "cut": cutting.sockets[0].getsockname()[1]}
            await one.send(url.format(**ports))

    with pytest.raises(error):
        asyncio.run(go())


def test_a_request_that_is_cancelled_leaves_the_others_alone():
    async def go():
        async with serving(b"") as (silent, heads), serving(OK) as (url, _), client() as one:
            left = asyncio.create_task(one.send(silent))
            while not heads:
                await one.send(url)
            left.cancel()
            await asyncio.wait([left])
            assert left.cancelled()
            return (await one.send(url)).status

    assert asyncio.run(go()) == 200


def test_what_is_in_flight_at_the_end_is_cancelled():
    async def go():
        async with serving(b"") as (silent, heads), serving(OK) as (url, _):
            async with client() as one:
                left = asyncio.create_task(one.send(silent))
                while not heads:
                    await one.send(url)
            await asyncio.wait([left])
            return left.cancelled()

    assert asyncio.run(go())


def test_an_authority_of_one_s_own_is_trusted_and_no_other(monkeypatch, tmp_path):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        writer.close()

    async def go():
        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server, client() as one:
            return (await one.send(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")).status

    ours, other = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.issue_cert("127.0.0.1").configure_cert(context)
    for authority in (ours, other):
        authority.cert_pem.write_to_path(tmp_path / "authority.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        if authority is ours:
            assert asyncio.run(go()) == 200
        else:
            with pytest.raises(RejectedError, match="certificate"):
                asyncio.run(go())


@pytest.mark.parametrize("spared", ["", "127.0.0.1"])
def test_a_proxy_of_the_environment_is_used_unless_the_host_is_spared(monkeypatch, spared):
    async def go():
        async with serving(OK) as (url, direct), serving(OK) as (proxy, through), client() as one:
            monkeypatch.setenv("http_proxy", proxy.replace("//", "//me:secret@"))
            monkeypatch.setenv("no_proxy", spared)
            await one.send(f"{url}/v1/models")
            return url, direct, through

    url, direct, through = asyncio.run(go())
    assert (len(direct), len(through)) == ((1, 0) if spared else (0, 1))
    if through:
        assert through[0].startswith(f"GET {url}/v1/models HTTP/1.1\r\n")
        assert "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n" in through[0]


def test_the_last_header_of_a_name_counts_in_any_case():
    head = (b"HTTP/1.1 200 OK\r\n", b"RETRY-after:  1 \r\n", b"Retry-After: 2\r\n", b"X: caf\xe9\r\n", b"\r\n")
    answer = Answer(429, head, b"")
    assert answer.header("Retry-After") == "2"
    assert answer.header("x") == "café"
    assert answer.header("Location") is None
