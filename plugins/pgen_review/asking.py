"""Ask the run's generator again about dialogues, in the background, and store what it writes as candidates.

A thread of its own has the event loop of the generator, whose loading may take long.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock, Thread
from uuid import uuid4

from pgen.config import Parts, RunOptions
from pgen.errors import PgenError, first_error
from pgen.records import Annotation, Sample, Usage
from pgen.run.estimate import estimate
from pgen.safety.redaction import redact
from pgen_review.candidates import About, Candidate, Candidates, about_of
from pgen_review.checks import Checks
from pgen_review.events import Key
from pgen_review.run_parts import address
from pgen_review.second_request import SecondRequest, sample_about
from pgen_review.session import Session
from pgen_review.validation import Json

AT_ONCE = 8
"""Requests in flight at most."""
_MEASURED = 16
"""Dialogues by which the tokens of many are estimated."""


@dataclass(slots=True)
class Ask:
    """Requests for `each` candidates of the dialogues in `wanted`, which has the reason for each.

    `state` is running, done, failed or cancelled.
    """

    wanted: Mapping[Key, str]
    each: int
    id: str = field(default_factory=lambda: uuid4().hex)
    state: str = "running"
    message: str = ""
    done: int = 0
    failed: int = 0
    usage: Usage = field(default_factory=lambda: Usage(attempts=0))
    cancel: Callable[[], object] = lambda: None

    def as_json(self) -> Json:
        """Return the progress."""
        progress = {"id": self.id, "state": self.state, "message": self.message}
        counts = {"total": len(self.wanted) * self.each, "done": self.done, "failed": self.failed}
        return {**progress, **counts, "tokens": [self.usage.tokens_in, self.usage.tokens_out]}


class Asking:
    """What is asked in a session. Any thread may call the methods."""

    def __init__(self, session: Session, parts: Parts, options: RunOptions, candidates: Candidates) -> None:
        self.session, self.parts, self.options, self.candidates = session, parts, options, candidates
        self._asks: dict[str, Ask] = {}
        self._lock = Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="asking", daemon=True)
        self._thread.start()
        self._opening = asyncio.Lock()
        self._opened = False
        self.unreachable = ""
        """Why the generator could not be opened the last time."""

    @property
    def address(self) -> str:
        """Where the generator is, as the page shows it."""
        return address(self.parts)

    def tokens(self, wanted: Mapping[Key, str]) -> list[int] | None:
        """Return about how many tokens a candidate for each dialogue takes, in and out; None without a model."""
        measured = []
        for key in list(wanted)[:_MEASURED]:
            episode = self.session.episode(key.episode)
            measured.append((episode.episode, [sample_about(episode, self.parts, self.options, key, "")]))
        found = estimate(self.parts, self.options, measured, len(wanted), 0) if measured else None
        return [found.tokens_in, found.tokens_out] if found else None

    def start(self, wanted: Mapping[Key, str], each: int) -> Ask:
        """Begin to ask for `each` candidates of dialogues."""
        ask = Ask(wanted, each)
        with self._lock:
            self._asks[ask.id] = ask
        ask.cancel = asyncio.run_coroutine_threadsafe(self._run(ask), self._loop).cancel
        return ask

    def get(self, name: str) -> Ask | None:
        """Return what was started under an id."""
        return self._asks.get(name)

    def running(self) -> Ask | None:
        """Return what is asked about several dialogues now."""
        with self._lock:
            asks = list(self._asks.values())
        return next((ask for ask in asks if ask.state == "running" and len(ask.wanted) > 1), None)

    def close(self) -> None:
        """Cancel what is asked, and release the generator."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._opened:
            await self.parts.generator.close()

    async def _run(self, ask: Ask) -> None:
        slots = asyncio.Semaphore(AT_ONCE)
        try:
            async with asyncio.TaskGroup() as tasks:
                for key, problem in ask.wanted.items():
                    tasks.create_task(self._about(ask, slots, key, problem))
            ask.state = "failed" if ask.failed == ask.done else "done"
        except asyncio.CancelledError:
            ask.state = "cancelled"
        except BaseExceptionGroup as group:
            error = first_error(group)
            ask.message = str(error) if isinstance(error, PgenError) else redact(f"{type(error).__name__}: {error}")
            ask.state = "failed"

    async def _about(self, ask: Ask, slots: asyncio.Semaphore, key: Key, problem: str) -> None:
        async with slots:
            sample, about = await asyncio.to_thread(self._sample, key, problem)
            await self._open(sample)
        asked = self.candidates.asked(key, about) + 1
        request = SecondRequest(self.parts, self.options, sample)

        async def one(number: int) -> None:
            async with slots:
                annotation = await request.send(number)
                ask.usage += annotation.usage
                if annotation.failure:
                    ask.failed, ask.message = ask.failed + 1, annotation.failure.reason
                else:
                    await asyncio.to_thread(self._store, key, about, problem, asked, annotation)
                ask.done += 1

        async with asyncio.TaskGroup() as tasks:
            for place in range(ask.each):
                tasks.create_task(one(AT_ONCE * asked + place))

    def _sample(self, key: Key, problem: str) -> tuple[Sample, About]:
        episode = self.session.episode(key.episode)
        return sample_about(episode, self.parts, self.options, key, problem), about_of(episode, key)

    async def _open(self, sample: Sample) -> None:
        async with self._opening:
            if not self._opened:
                self.parts.generator.max_images = len(sample.moment.images)
                try:
                    await self.parts.generator.open()
                except PgenError as error:
                    self.unreachable = str(error)
                    raise
                self._opened, self.unreachable = True, ""

    def _store(self, key: Key, about: About, problem: str, asked: int, written: Annotation) -> None:
        dialogue = written.dialogue
        assert dialogue is not None
        episode, checks = self.session.episode(key.episode), Checks(self.session.review.manifest)
        for other, annotation in zip(episode.keys, episode.annotations, strict=True):
            if other != key:
                checks.hear(annotation)
        texts = dialogue.user_prompt, dialogue.robot_utterance, dialogue.scenario_type, dialogue.response_type
        findings = tuple((finding.code, finding.reason) for finding in checks.findings(written))
        generator = self.parts.generator.name
        self.candidates.add(Candidate(key, about, problem, asked, generator, *texts, findings))
