"""HTTP requests to servers, through one aiohttp session per client.

Connections are kept alive and reused. Redirects are not followed, and a body is read up to `MAX_BODY` bytes.
"""

import asyncio
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from pgen_qwen_openai.retry import RejectedError, TransientError

MAX_BODY = 1 << 20
"""Bytes of a response body; a chat completion with a dialogue has a few thousand."""

MAX_HEADER = 1 << 16
"""Bytes of one response header."""

CONNECT_TIMEOUT = 15.0
"""Seconds for name resolution, connection, proxy and TLS handshake together."""

_DISCONNECTED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class Response(NamedTuple):
    """A complete response. `sent` counts how often the request was sent until it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    sent: int = 1


@dataclass(slots=True)
class _Connection:
    """What aiohttp's tracing reports about the connection of one request."""

    established: bool = False
    reused: bool = False


class Transport:
    """Sends requests with the same headers and time-out. Use it in one event loop, and close it at the end."""

    def __init__(self, headers: Mapping[str, str], timeout: float) -> None:
        self._timeout = timeout
        self._proxy = cache(_environment_proxy)
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(_on_created)
        trace.on_connection_reuseconn.append(_on_reused)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),  # the load balancer limits the requests in flight
            headers=headers,
            skip_auto_headers=("Accept-Encoding",),
            auto_decompress=False,  # no encoding is requested, and a few bytes could decompress to gigabytes
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT),
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
            trace_configs=[trace],
        )

    async def aclose(self) -> None:
        """Close all connections; requests in flight fail."""
        await self._session.close()

    async def send(self, url: str, body: bytes | None = None, *, once: bool = False) -> Response:
        """GET `url`, or POST a JSON `body` to it. Raises TransientError or RejectedError where no response comes.

        With `once`, a request is never sent again, even where the connection may have been closed before it.
        """
        connection, sent = _Connection(), 0
        try:
            async with asyncio.timeout(self._timeout):
                while True:
                    connection, sent = _Connection(), sent + 1
                    try:
                        return await self._exchange(url, body, connection, sent)
                    except _DISCONNECTED:
                        # The server may have closed a kept connection just before this request was sent.
                        if once or not connection.reused:
                            raise
        except aiohttp.ConnectionTimeoutError:
            raise _connect_timeout(CONNECT_TIMEOUT) from None
        except TimeoutError:
            if connection.established:
                raise TransientError("slow", f"it did not answer within {self._timeout:g} s") from None
            raise _connect_timeout(min(CONNECT_TIMEOUT, self._timeout)) from None
        except aiohttp.ClientError as error:
            raise _translate(error) from None

    async def upload(self, url: str, file: Path, fields: Mapping[str, str]) -> Response:
        """POST a file with form fields. Raises TransientError or RejectedError where no response comes."""
        form = aiohttp.FormData(fields)
        with file.open("rb") as content:
            form.add_field("file", content, filename=file.name, content_type="application/jsonl")
            with _translated():
                async with self._session.post(url, data=form, **self._options(url)) as response:
                    return Response(response.status, response.headers, await _read(response))

    async def download(self, url: str, target: Path) -> Response:
        """GET a file of any size into `target`; the response then has no body. Raises as `upload` does."""
        with _translated():
            async with self._session.get(url, **self._options(url)) as response:
                if response.status >= 300:
                    return Response(response.status, response.headers, await _read(response))
                with target.open("wb") as file:
                    async for part in response.content.iter_chunked(1 << 16):
                        file.write(part)
                return Response(response.status, response.headers, b"")

    def _options(self, url: str, connection: _Connection | None = None) -> dict[str, Any]:
        options = {
            "allow_redirects": False,
            "proxy": self._proxy(url),
            "trace_request_ctx": connection or _Connection(),
        }
        return {**options, "ssl": self._tls} if url.startswith("https:") else options

    async def _exchange(self, url: str, body: bytes | None, connection: _Connection, sent: int) -> Response:
        options = self._options(url, connection)
        if body is not None:
            options["headers"] = {"Content-Type": "application/json"}
            options["data"] = BytesIO(body)  # aiohttp sends it in parts, and warns of bytes above 1 MB
        async with self._session.request("GET" if body is None else "POST", url, **options) as response:
            content = await _read(response)
            return Response(response.status, response.headers, content, sent)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Certificates of SSL_CERT_FILE and SSL_CERT_DIR, or of the system. Loading them takes some 50 ms."""
        return ssl.create_default_context()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body. Raises RejectedError beyond `MAX_BODY`, which also closes the connection."""
    content = bytearray()
    if (response.content_length or 0) <= MAX_BODY:
        async for part in response.content.iter_any():
            content += part
            if len(content) > MAX_BODY:
                break
        else:
            return bytes(content)
    response.close()
    raise RejectedError(0, f"it sent more than {MAX_BODY >> 20} MB for one reply")


async def _on_created(_session: aiohttp.ClientSession, context: Any, _params: Any) -> None:
    context.trace_request_ctx.established = True


async def _on_reused(_session: aiohttp.ClientSession, context: Any, _params: Any) -> None:
    context.trace_request_ctx.established = context.trace_request_ctx.reused = True


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientError as error:
        raise _translate(error) from None
    except TimeoutError as error:
        raise TransientError("slow", f"it did not answer in time: {error}") from None


def _connect_timeout(seconds: float) -> TransientError:
    return TransientError("unreachable", f"it took no connection in {seconds:g} s")


def _translate(error: aiohttp.ClientError) -> TransientError | RejectedError:
    """Sort an error of aiohttp into those that may pass and those that do not, with the cause in words."""
    if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return RejectedError(0, f"it is not a valid address: {error}")
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
        return RejectedError(0, f"its certificate is not valid: {getattr(cause, 'verify_message', cause)}")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return RejectedError(0, f"it does not speak TLS: {error.os_error.reason or error.os_error}")
    if isinstance(error, aiohttp.ClientConnectorError):
        target = " to the proxy" if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
        return TransientError("unreachable", f"no connection{target}: {_describe(error.os_error)}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return TransientError("broken", f"the proxy answered {error.status} {error.message}")
    if isinstance(error, aiohttp.ClientResponseError):
        return TransientError("broken", f"it sent no valid HTTP: {error.message}")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return TransientError("broken", "it closed the connection without a response")
    return TransientError("broken", f"the connection broke: {error}")


def _describe(error: OSError) -> str:
    """The system's words for an error number; asyncio puts the name of the failed call in their place."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)


def _environment_proxy(url: str) -> str | None:
    """Return the proxy that the environment names for an address. Raises RejectedError where it is not an HTTP proxy.

    aiohttp's own `trust_env` is not used: it would also replace the Authorization header by one from ~/.netrc.
    """
    parts = urlsplit(url)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    if not proxy:
        return None
    scheme, separator, _ = proxy.partition("://")
    if separator and scheme not in ("http", "https"):
        raise RejectedError(0, f"the environment names a proxy of the kind {scheme}; only http and https are supported")
    return proxy if separator else f"http://{proxy}"
