"""An OpenAI-compatible server on the loopback interface that misbehaves as a test requires, in its own thread.

A behaviour is a coroutine that takes the request and its body, and returns or sends a response. `decide(body, count)`
chooses it for each request; `count` is the number of earlier requests with the same prompt.
"""

import asyncio
import json
import random
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from aiohttp import web
from hanging import HANG

from pgen.inference.prompting import NO_IMAGES
from pgen_qwen_openai.structured_output import PROBE

Body = dict[str, Any]
Behaviour = Callable[[web.Request, Body], Awaitable[web.StreamResponse]]


def question(body: Body) -> str:
    """Return the text of the first user message, without the parts that all prompts share."""
    parts = next(turn["content"] for turn in body["messages"] if turn["role"] == "user")
    text = next(part["text"] for part in parts if part["type"] == "text")
    return str(text).replace(f"\n\n{NO_IMAGES}", "").removeprefix("Question: ")


def is_probe(body: Body) -> bool:
    return question(body).startswith(PROBE.text)


def dialogue(body: Body) -> str:
    """Return a valid reply that names its prompt, with a dialogue for each number that the schema admits."""
    types = {"scenario_type": "negative_task", "response_type": "confirmation"}
    single = {"user_prompt": f"Do {question(body)}"[:200], "robot_utterance": "Sure.", **types}
    if not (numbers := numbers_in(body.get("response_format"))):
        return json.dumps(single)
    dialogues = [{"number": number, **single} for number in sorted(numbers)]
    return json.dumps({"seen": "a table", "fits": True, "dialogues": dialogues})


def numbers_in(schema: Any) -> set[int]:
    """Return the values of every property `number` in a schema."""
    if isinstance(schema, list):
        return {number for part in schema for number in numbers_in(part)}
    if not isinstance(schema, dict):
        return set()
    own = schema.get("number", {})
    listed = own.get("enum", [own["const"]] if "const" in own else []) if isinstance(own, dict) else []
    return {*listed, *(number for part in schema.values() for number in numbers_in(part))}


def completion(text: Any, finish: str = "stop", **message: Any) -> web.Response:
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return web.json_response({"object": "chat.completion", "choices": [choice], "usage": usage})


def says(text: Any = None, finish: str = "stop", **message: Any) -> Behaviour:
    async def behave(request: web.Request, body: Body) -> web.StreamResponse:
        return completion(dialogue(body) if text is None else text, finish, **message)

    return behave


def status(code: int, message: str = "no", headers: dict[str, str] | None = None, error_code: Any = None) -> Behaviour:
    async def behave(request: web.Request, body: Body) -> web.StreamResponse:
        return web.json_response({"error": {"message": message, "code": error_code}}, status=code, headers=headers)

    return behave


def busy(seconds: float, *, as_date: bool = False) -> Behaviour:
    value = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True) if as_date else f"{seconds:g}"
    return status(429, "slow down", {"Retry-After": value})


def raw(data: bytes, content_type: str = "application/json", code: int = 200) -> Behaviour:
    async def behave(request: web.Request, body: Body) -> web.StreamResponse:
        return web.Response(body=data, content_type=content_type, status=code)

    return behave


def late(seconds: float) -> Behaviour:
    async def behave(request: web.Request, body: Body) -> web.StreamResponse:
        await asyncio.sleep(random.uniform(0, seconds))
        return completion(dialogue(body))

    return behave


async def hang_up(request: web.Request, body: Body) -> web.StreamResponse:
    """Close the connection without a response."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def cut(request: web.Request, body: Body) -> web.StreamResponse:
    """Announce a body and close the connection in its middle."""
    data = completion(dialogue(body)).body
    assert isinstance(data, bytes)
    assert request.transport is not None
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(data))})
    await response.prepare(request)
    await response.write(data[: len(data) // 2])
    request.transport.close()
    return response


async def trickle(request: web.Request, body: Body) -> web.StreamResponse:
    """Send a byte every 20 ms, without end."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.02)
    return response


async def flood(request: web.Request, body: Body) -> web.StreamResponse:
    """Send without end, as fast as it is read."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" " * 65536)
    return response


def failing(*behaviours: Behaviour) -> Callable[[Body, int], Behaviour]:
    """Return a `decide` that uses these behaviours for the first requests of each prompt, and then valid replies."""

    def decide(body: Body, count: int) -> Behaviour:
        return says() if is_probe(body) or count >= len(behaviours) else behaviours[count]

    return decide


class HostileServer:
    """Listens while it is entered. `asked` counts the requests of each prompt, `bodies` has the last body of each."""

    def __init__(
        self,
        decide: Callable[[Body, int], Behaviour] = lambda body, count: says(),
        models: Any = ("tiny",),
        model_status: int = 200,
        tls: ssl.SSLContext | None = None,
        key: str = "",
        port: int = 0,
    ) -> None:
        self._decide, self._models, self._model_status = decide, models, model_status
        self._tls, self._key, self._port = tls, key, port
        self.port = 0
        self.asked: Counter[str] = Counter()
        self.bodies: dict[str, Body] = {}
        self.in_flight = self.peak = 0
        self.url = ""

    def __enter__(self) -> "HostileServer":
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started)))
        self._thread.start()
        assert started.wait(HANG)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def routes(self) -> list[web.RouteDef]:
        """Return further routes."""
        return []

    async def _serve(self, started: threading.Event) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=1 << 26)
        app.add_routes([web.get("/v1/models", self._list), web.post("/v1/chat/completions", self._complete)])
        app.add_routes(self.routes())
        # Requests in flight are cut off; 0 would wait for them.
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
        await runner.setup()
        listening = socket.create_server(("127.0.0.1", self._port))
        await web.SockSite(runner, listening, ssl_context=self._tls).start()
        self.port = listening.getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{listening.getsockname()[1]}/v1"
        started.set()
        await self._end.wait()
        # asyncio loses a connection that it accepts while it closes the server: stop accepting first.
        self._loop.remove_reader(listening)
        await asyncio.sleep(0)
        await runner.cleanup()

    def _unauthorized(self, request: web.Request) -> web.Response | None:
        header = request.headers.get("Authorization", "")
        if self._key and header != f"Bearer {self._key}":
            return web.json_response({"error": {"message": f"Incorrect API key: {header}"}}, status=401)
        return None

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if error := self._unauthorized(request):
            return error
        rows = [{"id": name, "object": "model"} for name in self._models]
        return web.json_response({"object": "list", "data": rows}, status=self._model_status)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if error := self._unauthorized(request):
            return error
        body = await request.json()
        prompt = question(body)
        count, self.asked[prompt] = self.asked[prompt], self.asked[prompt] + 1
        self.bodies[prompt] = body
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            return await self._decide(body, count)(request, body)
        finally:
            self.in_flight -= 1
