"""A chat completions server on the loopback that costs almost nothing, in a process of its own.

It reads requests into one reused buffer, waits for the configured latency, and answers the same bytes. Small requests
(of a preflight) are answered immediately and not counted.
"""

import asyncio
import json
import math
import multiprocessing as mp
import random
import re
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import Any
from urllib.request import urlopen

MODEL = "bench"
PREFLIGHT = 16_384
"""Bytes: a smaller request has no image of a sample."""
DIALOGUES = 3
"""Of each answer; a client that requests as many gets all of them."""

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
DIALOGUE = {
    "user_prompt": "Please put the brick into the box.",
    "robot_utterance": "Sure, I'll put it there.",
    "scenario_type": "specific_object",
    "response_type": "confirmation",
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """`latency` is the mean in seconds, log-normal with `sigma`. More than `capacity` requests at once get a 429."""

    latency: float
    sigma: float = 0.0
    capacity: int | None = None
    seed: int = 0


@dataclass(slots=True)
class Seen:
    """Counts between the first request and the last answer: answers, 429s, peak in flight, sum of latencies, times."""

    answered: int = 0
    refused: int = 0
    peak: int = 0
    waited: float = 0.0
    first: float = 0.0
    last: float = 0.0

    @property
    def seconds(self) -> float:
        return self.last - self.first


class Server:
    """Listens while its context is open."""

    def __init__(self, behaviour: Behaviour) -> None:
        ours, theirs = mp.Pipe()
        self._process = mp.get_context("spawn").Process(target=_serve, args=(behaviour, theirs), daemon=True)
        self._port = ours

    def __enter__(self) -> "Server":
        self._process.start()
        self.url = f"http://127.0.0.1:{self._port.recv()}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()

    def seen(self) -> Seen:
        """Return the counts since the last call."""
        with urlopen(f"{self.url}/seen") as answer:
            return Seen(**json.load(answer))


def _serve(behaviour: Behaviour, port: Connection) -> None:
    asyncio.run(_listen(behaviour, port))


async def _listen(behaviour: Behaviour, port: Connection) -> None:
    state = _State(behaviour)
    listening = await asyncio.get_running_loop().create_server(lambda: _Connection(state), "127.0.0.1", 0, backlog=4096)
    port.send(listening.sockets[0].getsockname()[1])
    await listening.serve_forever()


class _State:
    """State of all connections."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.loop = asyncio.get_running_loop()
        self.buffer = bytearray(1 << 18)
        self.seen = Seen()
        self.busy = 0
        self._random = random.Random(behaviour.seed)

    def latency(self) -> float:
        mean, sigma = self.behaviour.latency, self.behaviour.sigma
        return self._random.lognormvariate(math.log(mean) - sigma * sigma / 2, sigma) if sigma else mean

    def take_seen(self) -> bytes:
        seen, self.seen = self.seen, Seen()
        return _response(asdict(seen))


class _Connection(asyncio.BufferedProtocol):
    """A connection with one request after another; bodies are read and discarded."""

    def __init__(self, state: _State) -> None:
        self._state = state
        self._head = b""
        self._remaining = 0
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def get_buffer(self, hint: int) -> bytearray:
        return self._state.buffer

    def buffer_updated(self, count: int) -> None:
        if self._remaining:
            self._remaining -= count
        else:
            self._head += bytes(memoryview(self._state.buffer)[:count])
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            match = _LENGTH.search(self._head, 0, end + 2)
            self._size = int(match[1]) if match else 0
            self._remaining = self._size - (len(self._head) - end - 4)
        if self._remaining <= 0:
            self._remaining = 0
            self._request()

    def _request(self) -> None:
        path, self._head = self._head.split(b" ", 2)[1], b""
        if path.endswith(b"/seen"):
            self._transport.write(self._state.take_seen())
        elif path.endswith(b"/models"):
            self._transport.write(_response({"object": "list", "data": [{"id": MODEL, "object": "model"}]}))
        elif self._size < PREFLIGHT:
            self._transport.write(PROBED)
        else:
            self._receive()

    def _receive(self) -> None:
        state, seen = self._state, self._state.seen
        seen.first = seen.first or state.loop.time()
        if state.behaviour.capacity is not None and state.busy >= state.behaviour.capacity:
            seen.refused += 1
            self._transport.write(REFUSAL)
            return
        state.busy += 1
        seen.peak = max(seen.peak, state.busy)
        latency = state.latency()
        seen.waited += latency
        state.loop.call_later(latency, self._answer)

    def _answer(self) -> None:
        state = self._state
        state.busy -= 1
        state.seen.answered += 1
        state.seen.last = state.loop.time()
        if not self._transport.is_closing():
            self._transport.write(ANSWER)


def _response(value: Any, status: str = "200 OK") -> bytes:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _completion(content: Any) -> bytes:
    message = {"role": "assistant", "content": json.dumps(content)}
    return _response(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 0,
            "model": MODEL,
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 1000, "completion_tokens": 40, "total_tokens": 1040},
        }
    )


PROBED = _completion(DIALOGUE)
ANSWER = _completion(
    {
        "seen": "A brick and a box on a table.",
        "fits": True,
        "dialogues": [{"number": number, **DIALOGUE} for number in range(1, DIALOGUES + 1)],
    }
)
REFUSAL = _response({"error": {"message": "too many requests", "code": "busy"}}, "429 Too Many Requests")
