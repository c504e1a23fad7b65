"""One client of all servers: sends a body until it is answered, and reads what comes back with care.

What a server does wrong becomes a PassingError, which is tried again, or a RejectedError, which is not.
The key travels in a header and is blotted out wherever a server repeats it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pgen.errors import SampleError
from pgen.records import Reply
from pgen.secrets import BLOT, redact
from pgen_qwen_openai.body import reply_of
from pgen_qwen_openai.endpoints import Endpoint, Endpoints
from pgen_qwen_openai.http import Answer, Http
from pgen_qwen_openai.retrying import PATIENCE, Kind, PassingError, RejectedError, persistently, retry_after

MAX_PAUSE = 600.0
"""Seconds that a server may ask to wait; with more the sample fails and is asked about in the next run."""

FILTERED = frozenset({"content_filter", "content_policy_violation", "data_inspection_failed"})
"""Error codes that mean that a server will not answer this, rather than that the request is wrong."""


class Client:
    """Open while a session is; bound to the event loop that it was made in."""

    def __init__(
        self, endpoints: Endpoints, key: str, timeout: float, retries: int, first_wait: float, wait: float = 0.0
    ) -> None:
        self.endpoints = endpoints
        self._wait = wait
        self._key, self._retries, self._first_wait = key, retries, first_wait
        headers = {"Content-Type": "application/json", "User-Agent": "pgen"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._http = Http(headers, timeout)

    async def close(self) -> None:
        await self._http.aclose()

    async def complete(
        self, body: bytes, only: Endpoint | None = None, patience: Mapping[Kind, int] = PATIENCE
    ) -> tuple[Reply, int]:
        """The reply to a chat completion, from any server or `only` that one, and how often it was sent again.

        Raises PassingError where all tries failed, RejectedError, or SampleError("refused").
        """
        tries = 0

        async def once() -> Reply:
            nonlocal tries
            tries += 1
            if only:
                return await self._ask(only, body)
            async with self.endpoints.take() as endpoint:
                return await self._ask(endpoint, body)

        try:
            reply = await persistently(once, self._retries, self._first_wait, patience, self._wait)
        except PassingError as error:
            raise PassingError(error.kind, f"{error}; sent {tries} times") from None
        return reply, tries - 1 + reply.retries

    async def models(self, endpoint: Endpoint, patience: Mapping[Kind, int]) -> list[str] | None:
        """The names that a server lists; None where it keeps no list."""

        async def once() -> tuple[Any, int]:
            return await self._exchange(endpoint, "/models")

        try:
            answer, _ = await persistently(once, self._retries, self._first_wait, patience)
        except RejectedError as error:
            if error.status in (404, 405, 501):
                return None
            raise
        rows = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            return None
        return [row["id"] for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]

    async def _ask(self, endpoint: Endpoint, body: bytes) -> Reply:
        answer, sent = await self._exchange(endpoint, "/chat/completions", body)
        reply = reply_of(answer)
        if reply is None:
            raise PassingError("broken", f"{endpoint.url} answered with something else than a chat completion")
        if sent > 1:
            reply = replace(reply, retries=sent - 1)
        if self._key and self._key in reply.text:
            return replace(reply, text=reply.text.replace(self._key, BLOT))
        return reply

    async def _exchange(self, endpoint: Endpoint, path: str, body: bytes | None = None) -> tuple[Any, int]:
        """The JSON value of an answer, and how often it was asked for; word to `endpoints` of how that went."""
        wave = endpoint.limit.wave
        try:
            answer = await self._http.send(endpoint.url + path, body)
        except PassingError as error:
            self.endpoints.failed(endpoint)
            raise PassingError(error.kind, self._clean(f"{endpoint.url}: {error}")) from None
        except RejectedError as error:
            raise RejectedError(0, self._clean(f"{endpoint.url}: {error}")) from None
        if answer.status >= 300:
            self._refuse(endpoint, wave, answer)
        self.endpoints.answered(endpoint)
        try:
            return json.loads(answer.body), answer.sent
        except (ValueError, RecursionError):
            raise PassingError("broken", f"{endpoint.url} answered with something else than JSON") from None

    def _refuse(self, endpoint: Endpoint, wave: int, answer: Answer) -> None:
        status, (message, code) = answer.status, error_of(answer.body)
        reason = self._clean(f"{endpoint.url} answered {status}{f': {message}' if message else ''}")
        if status in (429, 503):
            pause = retry_after(answer.header("Retry-After"))
            if pause is not None and pause > MAX_PAUSE:
                raise RejectedError(status, f"{reason} (and to wait {pause:.0f} s)", code)
            self.endpoints.busy(endpoint, wave, pause)
            raise PassingError("busy", reason)
        if status >= 500 or status in (408, 409):
            self.endpoints.failed(endpoint)
            raise PassingError("unreachable" if status == 502 else "broken", reason)
        self.endpoints.answered(endpoint)
        if code in FILTERED:
            raise SampleError("refused", reason)
        if status < 400:
            reason += f" and redirects to {answer.header('Location') or 'nowhere'}"
        raise RejectedError(status, reason, code)

    def _clean(self, what: object) -> str:
        text = "".join(char if char.isprintable() else " " for char in str(what))
        text = " ".join(text.split()) or type(what).__name__
        return redact(text.replace(self._key, BLOT) if self._key else text)


def error_of(data: bytes, limit: int = 300) -> tuple[str, str]:
    """The message and the code of an error's body, in one of the forms that servers use."""
    text = data[:65536].decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text[:limit], ""
    inner = value.get("error", value) if isinstance(value, dict) else value
    if not isinstance(inner, dict):
        return str(inner)[:limit], ""
    message = inner.get("message") or inner.get("detail") or inner
    return str(message)[:limit], str(inner.get("code") or "")
