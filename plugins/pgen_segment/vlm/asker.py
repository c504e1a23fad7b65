"""Asks a generator, at most so often for one question; each answer is in the journal before it is used.

A question is known by all that it says and shows, so that an answer never serves another one.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from pgen.components import Generator
from pgen.errors import PgenError, SampleError
from pgen.inference.scheduler import Pictures
from pgen.records import Prompt, Repair, Reply, Request, Sample, Usage
from pgen.seeds import derive, sample_key
from pgen.storage.committer import Commits
from pgen.storage.journal import Journal

ATTEMPTS = 2
"""A question, and once more with what was wrong with the reply."""
_ASK_AGAIN = frozenset({"truncated", "parse", "schema"})

type Read = Callable[[Reply], Any]
"""The JSON value that a reply holds; raises SampleError where it is not usable."""
type Show = Callable[[], Awaitable[Pictures]]
"""The pictures of a question, read when it is asked."""


@dataclass(slots=True)
class Asker:
    """Bound to one event loop, on which `commits` has to run. `answered` counts what the journal knew.

    Once it is `stopped`, a question that would have to be asked ends its task as if that were cancelled.
    """

    generator: Generator
    journal: Journal
    seed: int
    usage: Usage = field(default_factory=lambda: Usage(attempts=0))
    answered: int = 0
    stopped: bool = False
    commits: Commits[tuple[str, Any]] = field(init=False)
    _flights: asyncio.Semaphore | None = None

    def __post_init__(self) -> None:
        self.commits = Commits(self.journal, self.journal.keep)

    async def ask(self, sample: Sample, prompt: Prompt, show: Show, read: Read) -> Any:
        """The answer. Raises SampleError where none is usable."""
        key = question_key(sample, prompt)
        known = await asyncio.to_thread(self.journal.kept, key)
        if known is not None:
            self.answered += 1
            return known
        if self._flights is None:
            self._flights = asyncio.Semaphore(self.generator.concurrency)
        async with self._flights:
            self._go_on()
            shown = await show()
            request = Request(sample, prompt, shown.images, derive(self.seed, key), clips=shown.clips)
            answer = await self._until_usable(request, read)
            # The slot is free once the answer is committed, and the answer is used once it is on the disk.
            group = await self.commits.store((key, answer))
        await self.commits.synced(group)
        return answer

    def stop(self) -> None:
        """Ask no more; what is in flight is waited for, and kept."""
        self.stopped = True

    def _go_on(self) -> None:
        if self.stopped:
            raise asyncio.CancelledError

    async def _until_usable(self, request: Request, read: Read) -> Any:
        for attempt in range(1, ATTEMPTS + 1):
            self._go_on()
            reply = await self._reply(request)
            try:
                return read(reply)
            except SampleError as error:
                if attempt == ATTEMPTS or error.stage not in _ASK_AGAIN:
                    raise
                seed = derive(request.seed, attempt)
                request = replace(request, seed=seed, repair=Repair(reply.text, error.reason))
        raise AssertionError("unreachable")

    async def _reply(self, request: Request) -> Reply:
        try:
            reply = await self.generator.generate(request)
        except (SampleError, PgenError):
            raise
        except Exception as error:  # a generator may raise anything: it costs this episode, not the run
            raise SampleError("generate", f"{type(error).__name__}: {error}") from None
        self.usage += Usage(reply.tokens_in, reply.tokens_out, 0.0, 1, reply.retries)
        return reply


def question_key(sample: Sample, prompt: Prompt) -> str:
    """32 hex digits that name a question."""
    said = [sample_key(sample), prompt.system, prompt.text, prompt.schema]
    text = json.dumps(said, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()
