"""The routes that change a review: events, undo, redo, and the write to the dataset.

The first three answer once their events are on the disk.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from aiohttp import web

from pgen.errors import PgenError
from pgen_review.events import REDO, UNDO
from pgen_review.journal import ReviewJournal
from pgen_review.session import Session
from pgen_review.validation import ConflictError, InvalidEventError, Json
from pgen_review.write_back import WriteBack


def changes(session: Session) -> list[web.RouteDef]:
    """Return the routes of a session."""

    async def since(request: web.Request) -> web.Response:
        number = request.query.get("since", "0")
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            raise web.HTTPBadRequest(text="`since` must be the number of an event.")
        return web.json_response(await asyncio.to_thread(session.since, int(number)))

    writes, running = WriteBack(session), set[asyncio.Task[None]]()

    async def progress(_: web.Request) -> web.Response:
        return web.json_response(writes.progress())

    async def apply(request: web.Request) -> web.Response:
        journals: list[ReviewJournal] = []

        def start(body: object) -> Json:
            journals.append(writes.start(body))
            return writes.progress()

        answer = answer_to(start, await body_of(request))
        for journal in journals:
            task = asyncio.create_task(asyncio.to_thread(writes.run, journal))
            running.add(task)
            task.add_done_callback(running.discard)
        return web.json_response(**{"status": 202, **answer})

    return [
        web.get("/api/apply", progress),
        web.post("/api/apply", apply),
        web.get("/api/events", since),
        _post("/api/events", session.store),
        _post("/api/undo", partial(session.turn, UNDO)),
        _post("/api/redo", partial(session.turn, REDO)),
    ]


def _post(path: str, store: Callable[[object], Json]) -> web.RouteDef:
    async def handle(request: web.Request) -> web.Response:
        body = await body_of(request)
        # A request whose client goes away is completed: its events may be stored by then.
        return web.json_response(**await asyncio.shield(asyncio.to_thread(answer_to, store, body)))

    return web.post(path, handle)


async def body_of(request: web.Request) -> object:
    """Return the JSON of a request."""
    try:
        body: object = await request.json()
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="Send JSON.") from None
    return body


def answer_to(store: Callable[[object], Json], body: object) -> Json:
    """Return the response's data and status, or its text where it is a refusal."""
    try:
        return {"data": store(body)}
    except ConflictError as error:
        return {"data": error.answer, "status": 409}
    except InvalidEventError as error:
        return {"text": str(error), "status": 400, "content_type": "text/plain"}
    except PgenError as error:
        return {"text": str(error), "status": 507, "content_type": "text/plain"}
