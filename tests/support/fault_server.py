"""A server of chat completions in a process of its own that counts the requests for each sample or dialogue.

It outlives the runs that send requests to it, so that no request is missing in the counts.
"""

import asyncio
import json
import random
import re
from collections import Counter
from hashlib import blake2b
from multiprocessing.connection import Connection
from typing import Any

import fault_processes

from pgen.components import PromptBuilder
from pgen.records import Prompt
from pgen.testing import FakeSource, make_episode
from pgen_dialogue.prompts.reply_schema import typed_schema

SCHEMA = typed_schema()
_QUESTION = b"Question:"
_SEVERAL = re.compile(rb"Question: (step \d+): ([\d ]+)\.")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
REPLY = {
    "user_prompt": "Please put the brick into the box.",
    "robot_utterance": "Sure.",
    "scenario_type": SCHEMA["properties"]["scenario_type"]["enum"][0],
    "response_type": SCHEMA["properties"]["response_type"]["enum"][0],
}


class Question(PromptBuilder):
    """A prompt that contains only the skill of its sample."""

    name = "question"

    def build(self, sample, seed):
        return Prompt(f"Question: {sample.span.skill}", SCHEMA)

    def example(self, sample, seed):
        return REPLY

    def fingerprint(self):
        return "question"


def numbered(count: int) -> FakeSource:
    """Return a source of `count` samples, each with another skill."""
    spans = [(f"step {number}", float(number % 20), number % 20 + 1.0) for number in range(count)]
    return FakeSource(*(make_episode(*spans[at : at + 20], index=at // 20) for at in range(0, count, 20)))


class CountingServer:
    """Listens while it is entered; responds after `latency` seconds, plus or minus a fifth.

    A request that names a moment and its variants receives a dialogue for each variant.
    """

    def __init__(self, latency: float) -> None:
        self._latency = latency
        self._port, self._child_port = fault_processes.CONTEXT.Pipe()
        self._total = fault_processes.CONTEXT.Value("Q", lock=False)

    def __enter__(self) -> "CountingServer":
        self._process = fault_processes.start(_serve, self._latency, self._total, self._child_port, daemon=True)
        self._child_port.close()
        self.url = f"http://127.0.0.1:{self._port.recv()}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def kill(self) -> None:
        """End at once, with every connection."""
        self._process.kill()
        self._process.join()

    @property
    def total(self) -> int:
        """The number of requests so far."""
        return int(self._total.value)

    def counts(self) -> Counter[str]:
        """Return the number of requests for each sample, or for each dialogue of a moment."""
        self._port.send(None)
        counts: Counter[str] = self._port.recv()
        return counts


def _serve(latency: float, total: Any, port: Connection) -> None:
    asyncio.run(_listen(latency, total, port))


async def _listen(latency: float, total: Any, port: Connection) -> None:
    counts: Counter[str] = Counter()
    delays = random.Random(latency)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = _LENGTH.search(head)
                body = await reader.readexactly(int(size[1])) if size else b""
                response = _MODELS if b"/models" in head.split(b"\r\n", 1)[0] else _COMPLETION
                if _QUESTION in body:
                    names = _names(body)
                    counts.update(names or [blake2b(body, digest_size=8).hexdigest()])
                    total.value += 1
                    await asyncio.sleep(latency * delays.uniform(0.8, 1.2))
                    response = _dialogues(names) if names else _COMPLETION
                writer.write(response)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def send_counts() -> None:
        try:
            port.recv()
            port.send(counts)
        except EOFError:  # the process that started this one has ended
            ended.set()

    loop.add_reader(port.fileno(), send_counts)
    port.send(server.sockets[0].getsockname()[1])
    await ended.wait()


def _response(value: Any) -> bytes:
    body = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def _completion(content: Any) -> bytes:
    message = {"content": json.dumps(content)}
    return _response(
        {
            "object": "chat.completion",
            "model": "counting",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 10},
        }
    )


def _names(body: bytes) -> list[str]:
    """Return the names of a moment's dialogues that a request asks for, in the order of their numbers."""
    match = _SEVERAL.search(body)
    return [f"{match[1].decode()}/{variant.decode()}" for variant in match[2].split()] if match else []


def _dialogues(names: list[str]) -> bytes:
    items = [{**REPLY, "number": number, "user_prompt": f"Do {name}"} for number, name in enumerate(names, 1)]
    return _completion({"seen": "a brick", "fits": True, "dialogues": items})


_MODELS = _response({"object": "list", "data": [{"id": "counting", "object": "model"}]})
_COMPLETION = _completion(REPLY)
