"""One client of all servers: sends a body until it is answered, and reads what comes back with care.

What a server does wrong becomes a PassingError, which is tried again, or a RejectedError, which is not.
The key travels in a header. Whatever text of a server goes on from here is bounded and holds no key.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from pgen.errors import SampleError
from pgen.records import Reply
from pgen.safety.redaction import excerpt, without_keys
from pgen_qwen_openai.error_response import FILTERED, Problem, broken_off, problem_in, problem_with
from pgen_qwen_openai.load_balancer import Endpoint, Endpoints
from pgen_qwen_openai.messages import reply_of
from pgen_qwen_openai.retry import PATIENCE, Kind, PassingError, RejectedError, persistently, retry_after
from pgen_qwen_openai.transport import Answer, Http

MAX_PAUSE = 600.0
"""Seconds that a server may ask to wait; with more the sample fails and is asked about in the next run."""

LONGEST = 700
"""Characters of a message about a server: its address, and its words."""

LONGEST_NAME = 512
"""Characters of a model's name; a server that lists a longer one lists no model by it."""

MOST_NAMES = 10_000


class Client:
    """Open while a session is; bound to the event loop that it was made in."""

    def __init__(
        self, endpoints: Endpoints, key: str, timeout: float, retries: int, first_wait: float, wait: float = 0.0
    ) -> None:
        self.endpoints = endpoints
        self._wait = wait
        self._retries, self._first_wait = retries, first_wait
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
        names = (row.get("id") for row in rows[:MOST_NAMES] if isinstance(row, dict))
        return [name for name in names if isinstance(name, str) and len(name) <= LONGEST_NAME]

    async def _ask(self, endpoint: Endpoint, body: bytes) -> Reply:
        wave = endpoint.limit.wave
        answer, sent = await self._exchange(endpoint, "/chat/completions", body)
        if problem := problem_with(answer):
            self._refuse(endpoint, wave, problem.status, problem)
        if problem := broken_off(answer):
            raise PassingError("broken", f"{endpoint.url} broke a reply off: {problem.words}")
        reply = reply_of(answer)
        if reply is None:
            raise PassingError("broken", f"{endpoint.url} answered with something else than a chat completion")
        text = without_keys(reply.text)
        return reply if sent == 1 and text is reply.text else replace(reply, text=text, retries=sent - 1)

    async def _exchange(self, endpoint: Endpoint, path: str, body: bytes | None = None) -> tuple[Any, int]:
        """The JSON value of an answer, and how often it was asked for; word to `endpoints` of how that went."""
        wave = endpoint.limit.wave
        try:
            answer = await self._http.send(endpoint.url + path, body)
        except PassingError as error:
            self.endpoints.failed(endpoint)
            raise PassingError(error.kind, excerpt(f"{endpoint.url}: {error}", LONGEST)) from None
        except RejectedError as error:
            raise RejectedError(0, excerpt(f"{endpoint.url}: {error}", LONGEST)) from None
        if answer.status >= 300:
            pause = retry_after(answer.header("Retry-After"))
            self._refuse(endpoint, wave, answer.status, self._problem(answer), pause)
        self.endpoints.answered(endpoint)
        try:
            return json.loads(answer.body), answer.sent
        except (ValueError, RecursionError):
            raise PassingError("broken", f"{endpoint.url} answered with something else than JSON") from None

    def _problem(self, answer: Answer) -> Problem:
        problem = problem_in(answer.body)
        if answer.status >= 400:
            return problem
        target = excerpt(answer.header("Location") or "nowhere")
        return replace(problem, words=": ".join(filter(None, (f"a redirect to {target}", problem.words))))

    def _refuse(
        self, endpoint: Endpoint, wave: int, status: int, problem: Problem, pause: float | None = None
    ) -> NoReturn:
        """Raise what an answer means that is no reply. The status is 0 where it was 200 and the body names none."""
        words = f": {problem.words}" if problem.words else ""
        reason = excerpt(f"{endpoint.url} answered {status or 'with an error'}{words}", LONGEST)
        if status in (429, 503):
            if pause is not None and pause > MAX_PAUSE:
                raise RejectedError(status, f"{reason} (and to wait {pause:.0f} s)", problem)
            if problem.exhausted:
                raise RejectedError(status, reason, problem)
            self.endpoints.busy(endpoint, wave, pause)
            raise PassingError("busy", reason)
        if not status or status >= 500 or status in (408, 409):
            self.endpoints.failed(endpoint)
            raise PassingError("unreachable" if status == 502 else "broken", reason)
        self.endpoints.answered(endpoint)
        if problem.code in FILTERED:
            raise SampleError("refused", reason)
        raise RejectedError(status, reason, problem)
