"""HTTP over real sockets: servers, proxies, certificates and broken connections."""

import asyncio
import gzip
import socket

import pytest
from raw_server import OK, client, listening, serving

from pgen_qwen_openai import transport as module
from pgen_qwen_openai.retry import RejectedError, TransientError


def error_of(response, **options):
    """The error that the response raises."""

    async def go():
        async with serving(response, requests=1) as (url, _), client(**options) as transport:
            await transport.send(url)

    with pytest.raises((TransientError, RejectedError)) as caught:
        asyncio.run(go())
    return caught.value


def test_requests_share_a_connection_and_the_headers():
    async def go():
        async with serving(OK) as (url, heads), client(**{"X-One": "1"}) as transport:
            responses = [await transport.send(f"{url}v1/models") for _ in range(3)]
            assert [(response.status, response.body, response.sent) for response in responses] == [(200, b"{}", 1)] * 3
            return heads

    heads = asyncio.run(go())
    assert len(heads) == 3
    assert heads[0].startswith("GET /v1/models HTTP/1.1\r\n")
    assert "X-One: 1\r\n" in heads[0]
    assert "Accept-Encoding" not in heads[0]


def test_a_connection_that_was_closed_while_idle_costs_nothing():
    async def go():
        async with serving(OK, requests=1) as (url, heads), client() as transport:
            for _ in range(20):
                assert (await transport.send(url)).status == 200
            return len(heads)

    assert asyncio.run(go()) == 20


@pytest.mark.parametrize("size", [400, 3_000_000])
def test_a_request_that_a_kept_connection_loses_is_sent_again_and_counted(size):
    async def go():
        received = 0

        async def handle(reader, writer):
            nonlocal received
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(size)
                received += 1
                if received == 2:
                    return
                writer.write(OK)

        async with listening(handle) as url, client() as transport:
            return [(await transport.send(url, b"x" * size)).sent for _ in range(3)], received

    assert asyncio.run(go()) == ([1, 2, 1], 4)


@pytest.mark.parametrize(
    "response",
    [
        b"good day\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-More: and more\r\n" * 100_000,
        b"HTTP/1.1 302 Found\r\nLocation: " + b"x" * 10_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf",
        b"",
    ],
    ids=["text", "many headers", "a long header", "length", "chunks", "half a body", "nothing"],
)
def test_an_invalid_response_may_pass(response):
    assert error_of(response).kind == "broken"


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 40),
        b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 3_000_000,
    ],
    ids=["announced", "sent"],
)
def test_a_body_that_is_too_long_is_not_read(response):
    assert str(error_of(response)) == "it sent more than 1 MB for one reply"


def test_a_compressed_body_is_not_decompressed():
    bomb = gzip.compress(b" " * 100_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)

    async def go():
        async with serving(head + bomb) as (url, _), client() as transport:
            return (await transport.send(url)).body

    assert asyncio.run(go()) == bomb


def test_a_redirect_is_a_response():
    async def go():
        async with serving(b"HTTP/1.1 302 Found\r\nlocation: /x\r\nContent-Length: 0\r\n\r\n") as (url, heads):
            async with client() as transport:
                response = await transport.send(url, b"{}")
            return response.status, response.headers.get("Location"), len(heads)

    assert asyncio.run(go()) == (302, "/x", 1)


def test_a_server_that_takes_no_connection_is_told_from_one_that_does_not_answer(monkeypatch):
    async def send(scheme, timeout):
        async with client(timeout=timeout) as transport:
            await transport.send(f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/", b"{}")

    with socket.create_server(("127.0.0.1", 0)) as silent:
        with pytest.raises(TransientError, match=r"no connection in 0\.3 s") as caught:
            asyncio.run(send("https", 0.3))  # the TLS handshake never begins
        assert caught.value.kind == "unreachable"
        with pytest.raises(TransientError, match=r"did not answer within 0\.3 s") as caught:
            asyncio.run(send("http", 0.3))
        assert caught.value.kind == "slow"
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.2)
        with pytest.raises(TransientError, match=r"no connection in 0\.2 s"):
            asyncio.run(send("https", 20))


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("http://127.0.0.1:{free}/", TransientError, "no connection: Connection refused"),
        ("http://nowhere.invalid/", TransientError, "no connection: "),
        ("https://127.0.0.1:{plain}/", RejectedError, "does not speak TLS"),
        ("https://127.0.0.1:{aborting}/", TransientError, "conne"),
        ("http://127.0.0.1:{free}0000/", RejectedError, "not a valid address"),
    ],
)
def test_a_wrong_address_is_told_from_an_absent_server(url, error, message):
    async def refuse(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def abort(reader, writer):
        writer.transport.abort()

    async def go():
        with socket.create_server(("127.0.0.1", 0)) as server:
            free = server.getsockname()[1]
        async with listening(refuse) as plain, listening(abort) as aborting, client() as transport:
            ports = {"plain": plain, "aborting": aborting}
            ports = {name: address.rstrip("/").rpartition(":")[2] for name, address in ports.items()}
            await transport.send(url.format(free=free, **ports))

    with pytest.raises(error, match=message):
        asyncio.run(go())


def test_a_cancelled_request_leaves_the_others_alone():
    async def go():
        async with serving(b"") as (silent, heads), serving(OK) as (url, _), client() as transport:
            task = asyncio.create_task(transport.send(silent))
            while not heads:
                await transport.send(url)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            return (await transport.send(url)).status

    assert asyncio.run(go()) == 200


def test_closing_ends_what_is_in_flight():
    async def go():
        async with serving(b"") as (silent, heads):
            async with client() as transport:
                task = asyncio.create_task(transport.send(silent))
                while not heads:
                    await asyncio.sleep(0)
            await asyncio.wait([task])
            return task.exception()

    assert isinstance(asyncio.run(go()), TransientError)
