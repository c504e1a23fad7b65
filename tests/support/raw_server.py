"""Servers that send given bytes, and a transport to request them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from pgen_qwen_openai.transport import Transport

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def listening(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], **options: Any
) -> AsyncIterator[str]:
    """A server whose connections are passed to `handle`; yields its address."""

    async def close_after(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handle(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(close_after, "127.0.0.1", 0, **options) as server:
        yield f"{'https' if options else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@asynccontextmanager
async def serving(response: bytes, *, requests: int | None = None) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that sends the same response to each request, or to so many of a connection; yields its address and
    the heads of the requests."""
    heads: list[str] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = requests
        while left != 0:
            heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            writer.write(response)
            await writer.drain()
            left = None if left is None else left - 1

    async with listening(handle) as url:
        yield url, heads


@asynccontextmanager
async def client(timeout: float = 20.0, **headers: str) -> AsyncIterator[Transport]:
    async with aclosing(Transport(headers, timeout)) as transport:
        yield transport
