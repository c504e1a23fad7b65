"""Errors of requests, and the policy by which a request is sent again."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Literal

from pgen_qwen_openai.error_response import ErrorDetails

Kind = Literal["unreachable", "slow", "busy", "broken"]

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")

MAX_WAIT = 30.0
"""Seconds between two attempts at most, where the server names no time."""

LIMITS: Mapping[Kind, int] = {"slow": 3}
"""Errors of a kind after which a request fails, whatever is left of `max_retries`: each time-out costs minutes."""

ABSENT: frozenset[Kind] = frozenset({"unreachable", "busy"})
"""Errors while a server restarts: no connection, or 502 and 503 from the proxy before it."""


class TransientError(Exception):
    """Raised for an error that another attempt may not meet."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind: Kind = kind


class RejectedError(Exception):
    """Raised for an error that every attempt would meet. `status` is 0 where there was no response."""

    def __init__(self, status: int, reason: str, details: ErrorDetails | None = None) -> None:
        super().__init__(reason)
        self.status, self.details = status, details or ErrorDetails()


class _Attempts:
    """Counts the errors of one request."""

    def __init__(self, attempts: int, limits: Mapping[Kind, int], wait_for_server: float) -> None:
        self._attempts, self._limits, self._wait_for_server = attempts, limits, wait_for_server
        self._errors: Counter[Kind] = Counter()
        self._made = 0
        self._absent_since: float | None = None

    def exhausted(self, kind: Kind) -> bool:
        """Count an error. Return whether it was the last: that of the last attempt, or of as many as its kind may have.

        While an absent server is waited for, there is no last one.
        """
        self._made += 1
        if self._waiting(kind):
            return False
        self._errors[kind] += 1
        # Attempts made while the server was absent do not count once it has returned.
        made = self._made if kind in ABSENT else self._errors.total()
        return made >= self._attempts or self._errors[kind] >= self._limits.get(kind, self._attempts)

    def pause(self, first_wait: float) -> float:
        """Return the seconds until the next attempt, random so that requests do not return together."""
        return random.uniform(0, min(MAX_WAIT, first_wait * 2.0 ** min(self._made - 1, 30)))

    def _waiting(self, kind: Kind) -> bool:
        if kind not in ABSENT:
            self._absent_since = None
            return False
        if self._absent_since is None:
            self._absent_since = monotonic()
        return monotonic() - self._absent_since < self._wait_for_server


async def send_with_retries[T](
    send: Callable[[], Awaitable[T]],
    retries: int,
    first_wait: float,
    limits: Mapping[Kind, int] = LIMITS,
    wait_for_server: float = 0.0,
) -> T:
    """Return the result of `send`, called again after each TransientError; raises the last one.

    Errors of an absent server end it no sooner than `wait_for_server` seconds after the first of them.
    """
    attempts = _Attempts(retries + 1, limits, wait_for_server)
    while True:
        try:
            return await send()
        except TransientError as error:
            if attempts.exhausted(error.kind):
                raise
        await asyncio.sleep(attempts.pause(first_wait))


def retry_after(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Return the seconds of a Retry-After header, a number or a date; None where it is neither."""
    if value is None:
        return None
    value = value[:100].strip()  # no number and no date is longer
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now()).total_seconds())
