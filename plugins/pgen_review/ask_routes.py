"""The routes that ask the run's generator again: about one dialogue, or about all that are rejected."""

import asyncio
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

from aiohttp import web

from pgen.errors import ConfigError, PgenError
from pgen.storage.workspace import Workspace
from pgen_results.reading import described
from pgen_review.candidates import NAME, SHOWN, Candidate, Candidates, about_of
from pgen_review.changes import answer_to, body_of
from pgen_review.events import Key
from pgen_review.session import Session
from pgen_review.validation import ConflictError, InvalidEventError, Json, key_of, reason_of

if TYPE_CHECKING:
    from pgen_review.asking import Ask, Asking


class AskRoutes:
    """The handlers. `flags` and `opt` are the generator's on the command line."""

    def __init__(self, session: Session, flags: Mapping[str, Any], opt: Sequence[str]) -> None:
        self._session, self._flags, self._opt = session, flags, opt
        self._made: Asking | None = None
        self._lock = Lock()

    def check_options(self) -> None:
        """Raise PgenError where the options of the command line, if there are any, do not make a generator."""
        if self._opt or any(value is not None for value in self._flags.values()):
            from pgen_review.run_parts import parts_of

            parts_of(self._session.review, self._flags, self._opt)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/api/ask", self.state),
            web.post("/api/ask", self.start),
            web.get("/api/ask/{id}", self.progress),
            web.delete("/api/ask/{id}", self.cancel),
        ]

    async def state(self, request: web.Request) -> web.Response:
        """Return who would be asked, about how many tokens it takes, and the candidates that are there."""
        number = request.query.get("sample", "")
        is_number = number.isascii() and number.isdecimal() and len(number) < 10
        key = self._session.marks.key(int(number)) if is_number else None
        if number and key is None:
            raise web.HTTPNotFound(text="There is no such sample.")
        return web.json_response(await asyncio.to_thread(self._state, key, rejected="rejected" in request.query))

    async def start(self, request: web.Request) -> web.Response:
        """Begin to ask about a dialogue with a reason, or about those that are rejected."""
        body = await body_of(request)
        answer = await asyncio.to_thread(answer_to, self._start, body)
        return web.json_response(**{"status": 202, **answer})

    async def progress(self, request: web.Request) -> web.Response:
        """Return how far it is."""
        return web.json_response(self._ask(request).as_json())

    async def cancel(self, request: web.Request) -> web.Response:
        """End it; the candidates that are there stay."""
        ask = self._ask(request)
        ask.cancel()
        return web.json_response(ask.as_json())

    async def close(self, _: web.Application) -> None:
        """Release the generator."""
        if self._made is not None:
            await asyncio.to_thread(self._made.close)

    def _ask(self, request: web.Request) -> "Ask":
        ask = self._made.get(request.match_info["id"]) if self._made else None
        if ask is None:
            raise web.HTTPNotFound(text="Nothing was asked under this id since the server started; ask again.")
        return ask

    def _asking(self) -> "Asking":
        """Return what asks, made for the first request. Raises PgenError where nothing can be asked."""
        with self._lock:
            if self._made is None:
                review, journal = self._session.review, self._session.journal
                if journal is None:
                    raise ConfigError("This review is read-only: nothing can be changed.")
                from pgen_review.asking import Asking
                from pgen_review.run_parts import parts_of

                parts, options = parts_of(review, self._flags, self._opt)
                stored = Candidates(Workspace(review.folder).work / NAME, journal.header.journal)
                self._made = Asking(self._session, parts, options, stored)
            return self._made

    def _state(self, key: Key | None, *, rejected: bool) -> Json:
        try:
            asking = self._asking()
        except PgenError as error:
            return {"available": False, "why": str(error)}
        generator, running = asking.parts.generator, asking.running()
        wanted = {key: ""} if key else self._rejected(asking) if rejected else {}
        return {
            "available": True,
            "why": asking.unreachable,
            "generator": generator.name,
            "model": generator.model,
            "address": asking.address,
            "running": running.as_json() if running else None,
            "dialogues": len(wanted),
            "tokens": asking.tokens(wanted),
            "candidates": self._candidates(asking, key) if key else [],
        }

    def _candidates(self, asking: "Asking", key: Key) -> list[Json]:
        about = about_of(self._session.episode(key.episode), key)
        hidden: Json = {"findings": []} if self._session.review.blind else {}
        return [_as_json(candidate) | hidden for candidate in asking.candidates.of(key, about)]

    def _rejected(self, asking: "Asking") -> dict[Key, str]:
        """Return the rejected dialogues that no model was asked about, with the reasons."""
        reasons = self._session.rejected()
        episodes = {index: self._session.episode(index) for index in {key.episode for key in reasons}}
        abouts = {key: about_of(episodes[key.episode], key) for key in reasons}
        return {key: reason for key, reason in reasons.items() if not asking.candidates.asked(key, abouts[key])}

    def _start(self, body: Any) -> Json:
        self._session.writable(body)
        each = body.get("each", 1)
        if type(each) is not int or not 1 <= each <= SHOWN:
            raise InvalidEventError(f"`each` must be a number from 1 to {SHOWN}.")
        try:
            asking = self._asking()
        except ConfigError as error:
            raise InvalidEventError(str(error)) from None
        if body.get("rejected") is not True:
            key = self._key(body)
            is_first = not body.get("reason") and self._session.episode(key.episode).dialogue(key) is None
            return asking.start({key: "" if is_first else reason_of(body)}, each).as_json()
        if asking.running():
            raise ConflictError("The rejected dialogues are asked about already.", states=[])
        wanted = self._rejected(asking)
        if not wanted:
            raise InvalidEventError("No dialogue is rejected that no model was asked about.")
        return asking.start(wanted, each).as_json()

    def _key(self, body: Mapping[str, Any]) -> Key:
        key = key_of(body)
        if self._session.number(key) is None:
            raise InvalidEventError(f"There is no dialogue {list(key)}.")
        return key


def _as_json(candidate: Candidate) -> Json:
    findings = [[*reversed(described(code)), reason] for code, reason in candidate.findings]
    names = ("user", "robot", "scenario", "response", "generator", "asked", "problem")
    return {**{name: getattr(candidate, name) for name in names}, "findings": findings}
