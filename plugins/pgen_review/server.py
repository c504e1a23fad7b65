"""The server of `pgen review`: the page, the queue, episodes, videos and frames, for this machine alone."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from typing import Any

from aiohttp import web

from pgen.errors import ConfigError, SampleError
from pgen_review.access import HOST, Access, add_headers, guarded
from pgen_review.ask_routes import AskRoutes
from pgen_review.changes import changes
from pgen_review.episode import episode_data
from pgen_review.pictures import LARGEST, PIXELS
from pgen_review.results import release_memory
from pgen_review.session import Session
from pgen_segment.motion import ChangingFrames

BODY = 1_000_000
"""The most bytes of a request."""
PAGE = 200
"""The most samples of a page of the queue."""
_TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript", "svg": "image/svg+xml"}


def serve(session: Session, asks: AskRoutes, port: int, ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C; call `ready` with the address once the server listens. Raises ConfigError."""
    with _bound(port) as listener, suppress(KeyboardInterrupt):
        asyncio.run(_serve(session, asks, listener, ready))


def assets() -> Iterator[tuple[str, bytes, str]]:
    """Yield the path, the content and the media type of each file of the page."""
    # The colours are those of the report.
    for file in (*(files("pgen_review") / "pages").iterdir(), files("pgen_results") / "pages" / "page.css"):
        path = "/" if file.name == "index.html" else f"/{file.name}"
        yield path, file.read_bytes(), _TYPES[file.name.rpartition(".")[2]]


def application(session: Session, asks: AskRoutes, access: Access) -> web.Application:
    """Return the application with all routes."""
    server = Server(session)
    app = web.Application(middlewares=[guarded(access)], client_max_size=BODY)
    app.on_response_prepare.append(add_headers)
    app.on_cleanup.append(asks.close)
    app.add_routes([web.get(path, _asset(content, kind)) for path, content, kind in assets()])
    number = r"\d{1,9}"
    app.add_routes(
        [
            web.post(access.path, access.exchange),
            web.get("/api/summary", server.summary),
            web.get("/api/queue", server.queue),
            web.get(f"/api/episodes/{{index:{number}}}", server.episode),
            web.get(f"/api/episodes/{{index:{number}}}/changes", server.changes),
            web.get(f"/video/{{camera:{number}}}/{{file:{number}}}", server.video),
            web.get(f"/frame/{{index:{number}}}/{{camera:{number}}}/{{frame:{number}}}.jpg", server.frame),
            *changes(session),
            *asks.routes(),
        ]
    )
    return app


class Server:
    """The handlers of the routes with data."""

    def __init__(self, session: Session) -> None:
        self._session, self._review = session, session.review
        self._changing = ChangingFrames(self._review.source, lambda index: self._review.episodes[index].episode)

    async def summary(self, _: web.Request) -> web.Response:
        """Return the name, the counts, the facets with their values, and the first episode."""
        review = self._review
        return web.json_response(
            {
                "name": review.name,
                "samples": len(review.queue),
                "episodes": len(review.episodes),
                "first": next(iter(review.episodes), None),
                "facets": review.queue.facets(),
                "sorts": review.queue.sorts,
                "review": await asyncio.to_thread(self._session.summary),
            }
        )

    async def queue(self, request: web.Request) -> web.Response:
        """Return the samples that fit the filters of the query, at most PAGE, from the one after `after` on."""
        query, queue = request.query, self._review.queue
        facets = {name: query.getall(name) for name in queue.facet_names if name in query}
        numbers = queue.numbers(facets, query.get("q", ""), _one_of(query.get("sort", ""), queue.sorts))
        after = query.get("after", "")
        places = (numbers == int(after)).nonzero()[0].tolist() if after.isdecimal() else []
        start = places[0] + 1 if places else 0
        shown = numbers[start : start + PAGE].tolist()
        items = [{**queue.item(number), **self._session.item(number)} for number in shown]
        return web.json_response({"total": len(numbers), "items": items})

    async def episode(self, request: web.Request) -> web.Response:
        """Return an episode."""
        index = self._index(request)
        episode = await asyncio.to_thread(episode_data, self._review, index, self._session.fold)
        return web.json_response(self._session.shown(episode))

    async def changes(self, request: web.Request) -> web.Response:
        """Return the frames of an episode at which the robot changes, to which edges snap."""
        return web.json_response({"frames": await asyncio.to_thread(self._changes, self._index(request))})

    def _changes(self, index: int) -> list[int]:
        try:
            return self._changing.of(index)
        finally:
            # The metadata of a file with many episodes take more than what is read of it.
            release_memory()

    def _index(self, request: web.Request) -> int:
        index = int(request.match_info["index"])
        if index not in self._review.episodes:
            raise web.HTTPNotFound(text=f"There is no episode {index}.")
        return index

    async def video(self, request: web.Request) -> web.FileResponse:
        """Return a video file, or the range of it that is requested."""
        path = self._review.pictures.file(int(request.match_info["camera"]), int(request.match_info["file"]))
        if path is None or not path.is_file():
            raise web.HTTPNotFound(text="There is no such video.")
        return web.FileResponse(path)

    async def frame(self, request: web.Request) -> web.Response:
        """Return a frame of a camera as JPEG, for the width at which it is shown."""
        index, camera, frame = (int(request.match_info[name]) for name in ("index", "camera", "frame"))
        pictures = self._review.pictures
        if index not in self._review.episodes or camera >= len(pictures.cameras):
            raise web.HTTPNotFound(text="There is no such camera.")
        width = next((it for it in PIXELS if str(it) == request.query.get("width")), LARGEST)
        try:
            jpeg = await asyncio.to_thread(pictures.frame, index, camera, frame, width)
        except SampleError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        return web.Response(body=jpeg, content_type="image/jpeg")


def _bound(port: int) -> socket.socket:
    """Return a socket on a port of this machine, a free one for 0."""
    listener = socket.socket()
    # A restart with the same port need not wait until the connections of the last one have timed out.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigError(f"--port {port} is not available ({error.strerror}); choose another, or 0.") from None
    return listener


async def _serve(session: Session, asks: AskRoutes, listener: socket.socket, ready: Callable[[str], None]) -> None:
    port = listener.getsockname()[1]
    access = Access(port, frozenset(path for path, *_ in assets()))
    runner = web.AppRunner(application(session, asks, access), access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener).start()
        ready(f"http://{HOST}:{port}/#t={access.key}")
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def _asset(content: bytes, kind: str) -> Any:
    async def get(_: web.Request) -> web.Response:
        return web.Response(body=content, content_type=kind, charset="utf-8")

    return get


def _one_of(value: str, values: tuple[str, ...]) -> str:
    return value if value in values else values[0]
