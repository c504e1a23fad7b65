"""Which errors may pass, how long to wait for that, and when to stop hoping."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_random_exponential

from pgen_qwen_openai.error_response import Problem

Kind = Literal["unreachable", "slow", "busy", "broken"]

_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")

LONGEST_WAIT = 30.0
"""Seconds between two tries at most, where the server names none."""

PATIENCE: Mapping[Kind, int] = {"slow": 3}
"""How many errors of a kind end it, whatever is left of `max_retries`: a request that times out is dear."""

GONE: frozenset[Kind] = frozenset({"unreachable", "busy"})
"""What a server that is being started again gives: no connection, or 502 and 503 by what stands before it."""


class PassingError(Exception):
    """An error that another try may not meet."""

    def __init__(self, kind: Kind, reason: str) -> None:
        super().__init__(reason)
        self.kind: Kind = kind


class RejectedError(Exception):
    """An answer that stays the same however often one asks. `status` is 0 where there was none."""

    def __init__(self, status: int, reason: str, problem: Problem | None = None) -> None:
        super().__init__(reason)
        self.status, self.problem = status, problem or Problem()


class _Stop:
    """After the last try, or as many errors of one kind as there is patience for; not while a server is waited for."""

    def __init__(self, tries: int, patience: Mapping[Kind, int], wait: float) -> None:
        self._tries, self._patience, self._wait = tries, patience, wait
        self._seen: Counter[Kind] = Counter()
        self._gone_since: float | None = None

    def __call__(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, PassingError):
            return True
        if self._waits(error.kind, state.outcome_timestamp or 0.0):
            return False
        self._seen[error.kind] += 1
        # For a server that is back, the tries do not count that were made while it was waited for.
        made = state.attempt_number if error.kind in GONE else self._seen.total()
        return made >= self._tries or self._seen[error.kind] >= self._patience.get(error.kind, 1 << 30)

    def _waits(self, kind: Kind, now: float) -> bool:
        if kind not in GONE:
            self._gone_since = None
            return False
        if self._gone_since is None:
            self._gone_since = now
        return now - self._gone_since < self._wait


async def persistently[T](
    work: Callable[[], Awaitable[T]],
    retries: int,
    first_wait: float,
    patience: Mapping[Kind, int] = PATIENCE,
    wait: float = 0.0,
) -> T:
    """What `work` returns, tried again after passing errors; the last of these where it never succeeds.

    Errors of a server that is gone end it no sooner than `wait` seconds after the first of them.
    """
    try:  # most requests need no more, and to set up the trying costs as much CPU as to send a small one
        return await work()
    except PassingError as error:
        failed: PassingError | None = error

    async def once_more() -> T:
        nonlocal failed
        if failed:
            error, failed = failed, None
            raise error
        return await work()

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(PassingError),
        stop=_Stop(retries + 1, patience, wait),
        wait=wait_random_exponential(multiplier=first_wait, max=LONGEST_WAIT),
        reraise=True,
    )
    return await retrying(once_more)


def retry_after(value: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """The seconds of a Retry-After header, which holds a number or a date; None where it says nothing."""
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
