"""HTTP by libcurl: a request's bytes out and an answer's bytes in, any number at once on one event loop.

Connections are kept and used again. Nothing is redirected, or read beyond `MAX_BODY`. What a kept connection loses
without a word is sent again over another, as its server may have closed it before; nothing else is sent twice.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import pycurl

from pgen_qwen_openai.retry import Kind, PassingError, RejectedError

MAX_BODY = 1 << 20
"""Bytes of an answer: no chat completion of a dialogue comes near."""

CONNECT_SECONDS = 15.0

_AT_ONCE = 1 << 18
"""Bytes handed to a connection at once: a picture or two."""

_HEAD = 100
"""Bytes of a request's head at least."""

_KEPT = 4096
"""Connections that are kept for the next request: as many as can be in flight."""

_UNREACHABLE = frozenset({pycurl.E_COULDNT_CONNECT, pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_COULDNT_RESOLVE_PROXY})
_REJECTED = frozenset(
    {
        pycurl.E_URL_MALFORMAT,
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_CERTPROBLEM,
        pycurl.E_SSL_CIPHER,
    }
)


class Answer(NamedTuple):
    """A status, the lines of the head as they came, and the body; how often it was asked for until it came."""

    status: int
    head: tuple[bytes, ...]
    body: bytes
    sent: int = 1

    def header(self, name: str) -> str | None:
        """The last header of that name, in any case."""
        wanted = name.lower()
        for line in reversed(self.head):
            key, colon, value = line.decode("latin-1").partition(":")
            if colon and key.strip().lower() == wanted:
                return value.strip()
        return None


class Http:
    """Bound to the event loop that it was first used in; holds connections until it is closed."""

    def __init__(self, headers: Mapping[str, str], timeout: float) -> None:
        self._timeout = timeout
        self._headers = [*(f"{name}: {value}" for name, value in headers.items()), "Expect:"]
        self._multi = pycurl.AsyncCurlMulti(close_handles=True)
        self._multi.setopt(pycurl.M_MAXCONNECTS, _KEPT)
        self._proxy = cache(_proxy)
        self._idle: list[_Transfer] = []

    async def aclose(self) -> None:
        """What is still in flight is cancelled."""
        await self._multi.aclose()
        for transfer in self._idle:
            transfer.curl.close()
        self._idle.clear()

    async def send(self, url: str, body: bytes | None = None) -> Answer:
        """The answer to a GET, or to a POST of a body. Raises PassingError or RejectedError, where there is none."""
        transfer = self._idle.pop() if self._idle else _Transfer(self._options(), self._proxy)
        transfer.prepare(url, body)
        try:
            await self._multi.add_handle(transfer.curl)
        except pycurl.error as error:
            raise self._error(transfer.curl, *error.args) from None
        self._idle.append(transfer)
        return transfer.answer()

    def _options(self) -> Iterator[tuple[int, Any]]:
        yield pycurl.HTTPHEADER, self._headers
        yield pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1
        yield pycurl.CONNECTTIMEOUT_MS, round(CONNECT_SECONDS * 1000)
        yield pycurl.TIMEOUT_MS, min(max(round(self._timeout * 1000), 1), (1 << 31) - 1)
        yield pycurl.MAXFILESIZE, MAX_BODY
        yield pycurl.UPLOAD_BUFFERSIZE, _AT_ONCE
        yield pycurl.NOSIGNAL, 1
        yield pycurl.NOPROXY, ""  # it is asked for in `_proxy`
        paths = ssl.get_default_verify_paths()  # as all of Python: of SSL_CERT_FILE and SSL_CERT_DIR, or the system's
        if paths.cafile:
            yield pycurl.CAINFO, paths.cafile
        if paths.capath:
            yield pycurl.CAPATH, paths.capath

    def _error(self, curl: Any, code: int, reason: str = "") -> PassingError | RejectedError:
        if code == pycurl.E_FILESIZE_EXCEEDED:
            return RejectedError(0, f"it sent more than {MAX_BODY >> 20} MB for one reply")
        if code == pycurl.E_OPERATION_TIMEDOUT:
            if curl.getinfo(pycurl.REQUEST_SIZE):
                return PassingError("slow", f"it did not answer within {self._timeout:g} s")
            return PassingError("unreachable", f"it took no connection in {min(CONNECT_SECONDS, self._timeout):g} s")
        broken_off = curl.getinfo(pycurl.OS_ERRNO)
        if code in _REJECTED or (code == pycurl.E_SSL_CONNECT_ERROR and not broken_off):
            return RejectedError(0, reason)
        kind: Kind = "unreachable" if code in _UNREACHABLE else "broken"
        return PassingError(kind, reason)


class _Transfer:
    """A request on its way; afterwards the next one uses it, since to make one is dear."""

    __slots__ = ("_body", "_head", "_proxy", "_size", "_url", "curl")

    def __init__(self, options: Iterator[tuple[int, Any]], proxy: Callable[[str], str]) -> None:
        self.curl = pycurl.Curl()
        self._url, self._size, self._proxy = "", 0, proxy
        self._head: list[bytes] = []
        self._body: list[bytes] = []
        for option, value in options:
            self.curl.setopt(option, value)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._head.append)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._body.append)

    def prepare(self, url: str, body: bytes | None) -> None:
        self._head.clear()
        self._body.clear()
        self._size = len(body or b"")
        if url != self._url:
            self._url = url
            self.curl.setopt(pycurl.URL, url.encode())
            self.curl.setopt(pycurl.PROXY, self._proxy(url))
        if body is None:
            self.curl.setopt(pycurl.HTTPGET, 1)
        else:
            self.curl.setopt(pycurl.POSTFIELDS, body)

    def answer(self) -> Answer:
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        return Answer(status, tuple(self._head), b"".join(self._body), self._sent())

    def _sent(self) -> int:
        """libcurl tells the bytes of all that it sent, heads and bodies, not how often that was."""
        return max(1, self.curl.getinfo(pycurl.REQUEST_SIZE) // (self._size + _HEAD)) if self._size else 1


def _proxy(url: str) -> str:
    """The environment's proxy for an address, or none."""
    parts = urlsplit(url)
    return "" if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme, "")
