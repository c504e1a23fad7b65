"""A Batch API on the loopback, beside the chat completions of HostileServer: late, partial, out of order, or wrong."""

import json
import random
from collections.abc import Callable
from typing import Any

from aiohttp import web
from hostile_server import Body, HostileServer, dialogue

type Line = dict[str, Any]


def completed(custom_id: str, text: str) -> Line:
    message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    usage = {"prompt_tokens": 100, "completion_tokens": 20}
    response = {"status_code": 200, "body": {"object": "chat.completion", "choices": [message], "usage": usage}}
    return {"id": f"r-{custom_id}", "custom_id": custom_id, "response": response, "error": None}


def failed(custom_id: str, status: int, message: str = "no") -> Line:
    response = {"status_code": status, "body": {"error": {"message": message}}}
    return {"custom_id": custom_id, "response": response, "error": None}


class BatchServer(HostileServer):
    """Answers batches in any order once they were polled `polls` times.

    `answer(line, batch)` returns the lines of the output for a request of batch number 0, 1 …; `end(batch)` returns the
    status that a batch ends with; `created(batch)` is called when a batch exists, before its id is sent.
    """

    def __init__(
        self,
        answer: Callable[[Line, int], list[Any]] = lambda line, batch: [answered(line)],
        polls: int = 1,
        end: Callable[[int], Line] = lambda batch: {"status": "completed"},
        created: Callable[[int], object] = lambda batch: None,
        lost: Callable[[int], bool] = lambda batch: False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._answer, self._polls, self._ending, self._created, self._lost = answer, polls, end, created, lost
        self.files: list[bytes] = []
        self.batches: list[Line] = []
        self.requested: list[list[Body]] = []
        """The lines of each batch."""

    def routes(self) -> list[web.RouteDef]:
        return [
            *(web.post("/v1/files", self._upload), web.get("/v1/files/{number}/content", self._content)),
            *(web.post("/v1/batches", self._create), web.get("/v1/batches", self._batches)),
            web.get("/v1/batches/{number}", self._poll),
        ]

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        assert form["purpose"] == "batch"
        field = form["file"]
        assert isinstance(field, web.FileField)
        return web.json_response({"id": self._store(field.file.read())})

    def _store(self, content: bytes) -> str:
        self.files.append(content)
        return f"file-{len(self.files) - 1}"

    async def _content(self, request: web.Request) -> web.StreamResponse:
        return web.Response(body=self.files[int(request.match_info["number"].removeprefix("file-"))])

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number = len(self.batches)
        content = self.files[int(body["input_file_id"].removeprefix("file-"))]
        self.requested.append([json.loads(line) for line in content.splitlines()])
        batch = {"id": f"batch-{number}", "status": "in_progress", "metadata": body["metadata"], "polls": 0}
        self.batches.append(batch)
        self._created(number)
        if self._lost(number):
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(batch)

    async def _batches(self, request: web.Request) -> web.StreamResponse:
        after = request.query.get("after", "")
        ids = [batch["id"] for batch in self.batches]
        place = ids.index(after) + 1 if after else 0
        return web.json_response({"data": self.batches[place : place + 1], "has_more": place + 1 < len(ids)})

    async def _poll(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"].removeprefix("batch-"))
        batch = self.batches[number]
        batch["polls"] += 1
        if batch["polls"] >= self._polls and batch["status"] == "in_progress":
            lines = [line for sent in self.requested[number] for line in self._answer(sent, number)]
            random.Random(number).shuffle(lines)
            content = b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
            batch |= {"output_file_id": self._store(content)} | self._ending(number)
        return web.json_response(batch)


def answered(line: Line) -> Line:
    """A valid answer to a line of a batch."""
    return completed(line["custom_id"], dialogue(line["body"]))
