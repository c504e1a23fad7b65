"""The client of all servers: sends requests until they are answered, and validates the responses.

A server's mistake becomes a TransientError, which is retried, or a RejectedError, which is not. The key is sent in a
header. Text of a server is bounded and redacted before it leaves this module.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, NoReturn

from pgen.errors import SampleError
from pgen.records import Reply
from pgen.safety.redaction import excerpt, without_keys
from pgen_qwen_openai.error_response import FILTERED, ErrorDetails, error_in_completion, error_of_choice, parse_error
from pgen_qwen_openai.load_balancer import LoadBalancer, Server
from pgen_qwen_openai.messages import read_reply
from pgen_qwen_openai.options import QwenOpenAIOptions
from pgen_qwen_openai.retry import LIMITS, Kind, RejectedError, TransientError, retry_after, send_with_retries
from pgen_qwen_openai.transport import Response, Transport

MAX_RETRY_AFTER = 600.0
"""Seconds of a Retry-After header that are waited for; with more the sample fails, and the next run requests it."""

MAX_MESSAGE = 700
"""Characters of a message about a server: its address, and its own words."""

MAX_MODEL_NAME = 512
"""Characters of a model's name; longer ones are ignored."""

MAX_MODELS = 10_000


class Client:
    """Belongs to the event loop that it is made in; close it at the end."""

    def __init__(self, servers: LoadBalancer, key: str, options: QwenOpenAIOptions) -> None:
        self.servers, self._options = servers, options
        self._transport = Transport(headers_with(key), options.timeout)

    async def close(self) -> None:
        await self._transport.aclose()

    async def complete(
        self, body: bytes, server: Server | None = None, limits: Mapping[Kind, int] = LIMITS
    ) -> tuple[Reply, int]:
        """Return the reply to a chat completion request, and the number of retries; from any server, or from `server`.

        Raises TransientError where all attempts failed, RejectedError, or SampleError("refused").
        """
        attempts = 0

        async def send() -> Reply:
            nonlocal attempts
            attempts += 1
            if server:
                return await self._complete(server, body)
            async with self.servers.acquire() as acquired:
                return await self._complete(acquired, body)

        try:
            reply = await self._retry(send, limits, self._options.wait_for_server)
        except TransientError as error:
            raise TransientError(error.kind, f"{error}; sent {attempts} times") from None
        return reply, attempts - 1 + reply.retries

    async def models(self, server: Server, limits: Mapping[Kind, int]) -> list[str] | None:
        """Return the names that a server lists; None where it has no list."""
        try:
            value, _ = await self._retry(lambda: self._exchange(server, "/models"), limits)
        except RejectedError as error:
            if error.status in (404, 405, 501):
                return None
            raise
        rows = value.get("data") if isinstance(value, dict) else None
        if not isinstance(rows, list):
            return None
        names = (row.get("id") for row in rows[:MAX_MODELS] if isinstance(row, dict))
        return [name for name in names if isinstance(name, str) and len(name) <= MAX_MODEL_NAME]

    async def _retry[T](
        self, send: Callable[[], Awaitable[T]], limits: Mapping[Kind, int], wait_for_server: float = 0.0
    ) -> T:
        return await send_with_retries(
            send, self._options.max_retries, self._options.retry_wait, limits, wait_for_server
        )

    async def _complete(self, server: Server, body: bytes) -> Reply:
        wave = server.limit.wave
        completion, sent = await self._exchange(server, "/chat/completions", body)
        if details := error_in_completion(completion):
            self._raise(server, wave, details.status, details)
        if details := error_of_choice(completion):
            raise TransientError("broken", f"{server.url} broke a reply off: {details.message}")
        reply = read_reply(completion)
        if reply is None:
            raise TransientError("broken", f"{server.url} answered with something else than a chat completion")
        return replace(reply, text=without_keys(reply.text), retries=sent - 1)

    async def _exchange(self, server: Server, path: str, body: bytes | None = None) -> tuple[Any, int]:
        """Return the JSON value of a response and how often it was requested; reports the result to the balancer."""
        wave = server.limit.wave
        try:
            response = await self._transport.send(server.url + path, body)
        except TransientError as error:
            self.servers.failed(server)
            raise TransientError(error.kind, excerpt(f"{server.url}: {error}", MAX_MESSAGE)) from None
        except RejectedError as error:
            raise RejectedError(0, excerpt(f"{server.url}: {error}", MAX_MESSAGE)) from None
        if response.status >= 300:
            pause = retry_after(response.headers.get("Retry-After"))
            self._raise(server, wave, response.status, error_of(response), pause)
        self.servers.answered(server)
        try:
            return json.loads(response.body), response.sent
        except (ValueError, RecursionError):
            raise TransientError("broken", f"{server.url} answered with something else than JSON") from None

    def _raise(
        self, server: Server, wave: int, status: int, details: ErrorDetails, pause: float | None = None
    ) -> NoReturn:
        """Raise what a response without a reply means. `status` is 0 where it was 200 and the body names none."""
        message = f": {details.message}" if details.message else ""
        reason = excerpt(f"{server.url} answered {status or 'with an error'}{message}", MAX_MESSAGE)
        if status in (429, 503):
            if pause is not None and pause > MAX_RETRY_AFTER:
                raise RejectedError(status, f"{reason} (and to wait {pause:.0f} s)", details)
            if details.exhausted:
                raise RejectedError(status, reason, details)
            self.servers.busy(server, wave, pause)
            raise TransientError("busy", reason)
        if not status or status >= 500 or status in (408, 409):
            self.servers.failed(server)
            raise TransientError("unreachable" if status == 502 else "broken", reason)
        self.servers.answered(server)
        if details.code in FILTERED:
            raise SampleError("refused", reason)
        raise RejectedError(status, reason, details)


def headers_with(key: str) -> dict[str, str]:
    """Return the headers of every request; without a key if there is none."""
    return {"User-Agent": "pgen"} | ({"Authorization": f"Bearer {key}"} if key else {})


def error_of(response: Response) -> ErrorDetails:
    """Return the error of a response; a redirect is one, and is named with its target."""
    details = parse_error(response.body)
    if response.status >= 400:
        return details
    target = excerpt(response.headers.get("Location") or "nowhere")
    return replace(details, message=": ".join(filter(None, (f"a redirect to {target}", details.message))))
