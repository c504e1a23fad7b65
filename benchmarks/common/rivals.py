"""Other clients of the server: a bare loop of aiohttp as the limit, the openai SDK, lerobot-annotate's client."""

import asyncio
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from importlib.util import find_spec
from io import StringIO
from statistics import median
from typing import Any

from pybase64 import b64encode

from common.clients import Result, Task, jpeg, measured, pictures, ready, run_client
from common.measure import rounds
from common.server import MODEL, Server
from common.table import Row

TEXT = "What might a person have said, and what would the robot answer? " * 20


def bare(task: Task) -> float:
    """Send the same bytes by aiohttp and only parse the JSON of the answers: the limit."""
    return measured(lambda task: asyncio.run(_bare(task)), task)


def sdk(task: Task) -> float:
    """Use the openai SDK's asynchronous client."""
    return measured(lambda task: asyncio.run(_sdk(task)), task)


def lerobot(task: Task) -> float:
    """Use lerobot-annotate's client: the openai SDK in threads, with PNG images."""
    return measured(_lerobot, task)


type Contender = Callable[[Task], float]

_NEEDS: dict[Contender, tuple[str, ...]] = {sdk: ("openai",), lerobot: ("openai", "lerobot")}


def contend(
    server: Server, tasks: dict[str, tuple[Contender, Task]], times: int, at_once: int | None = None
) -> dict[str, list[Result]]:
    """Run the clients in turn, `times` times; a client whose packages are not installed has no result."""

    def run(client: Contender, task: Task) -> Callable[[], Result]:
        return lambda: run_client(server, client, task, at_once)

    installed = {name: task for name, task in tasks.items() if all(map(find_spec, _NEEDS.get(task[0], ())))}
    results = rounds(times, {name: run(*task) for name, task in installed.items()})
    return {name: results.get(name, []) for name in tasks}


def row(measure: str, results: dict[str, list[Result]], value: Callable[[Result], float], form: str = ".2f") -> Row:
    """Return the median of a value of each client; `pgen` and `limit` must be among them."""
    medians = {
        name: f"{median(map(value, of_client)):{form}}" if of_client else "not measured"
        for name, of_client in results.items()
    }
    return Row(measure, medians.pop("pgen"), medians.pop("limit"), medians)


_PREFIX = (
    b'{"model":"bench","temperature":0.0,"max_tokens":1024,"messages":[{"role":"user","content":['
    b'{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,'
)
_SUFFIX = b'"}},{"type":"text","text":"' + TEXT.encode() + b'"}]}]}'


def _body(number: int, *, encode: bool) -> bytes:
    return b"".join((_PREFIX, b64encode(jpeg(number) if encode else ready()), _SUFFIX))


def _messages(number: int, *, encode: bool) -> list[dict[str, Any]]:
    url = f"data:image/jpeg;base64,{b64encode(jpeg(number) if encode else ready()).decode()}"
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": TEXT}]
    return [{"role": "user", "content": content}]


async def _bare(task: Task) -> None:
    from aiohttp import ClientSession, TCPConnector

    numbers, headers = iter(range(task.count)), {"Content-Type": "application/json"}
    async with ClientSession(connector=TCPConnector(limit=0), headers=headers) as session:

        async def ask() -> None:
            for number in numbers:
                body = _body(number, encode=task.encode)
                async with session.post(f"{task.url}/chat/completions", data=body) as response:
                    await response.json()

        async with asyncio.TaskGroup() as tasks:
            for _ in range(task.flight):
                tasks.create_task(ask())


async def _sdk(task: Task) -> None:
    from openai import AsyncOpenAI

    free = asyncio.Semaphore(task.flight)
    async with AsyncOpenAI(base_url=task.url, api_key="none") as client:

        async def ask(number: int) -> None:
            messages: Any = _messages(number, encode=task.encode)
            with suppress(Exception):  # a lost answer is missing in the server's count
                await client.chat.completions.create(model=MODEL, messages=messages, temperature=0, max_tokens=1024)
            free.release()

        async with asyncio.TaskGroup() as asking:
            for number in range(task.count):
                await free.acquire()
                asking.create_task(ask(number))


def _lerobot(task: Task) -> None:
    from lerobot.annotations.steerable_pipeline.config import VlmConfig
    from lerobot.annotations.steerable_pipeline.vlm_client import make_vlm_client

    config = VlmConfig(model_id=MODEL, api_base=task.url, auto_serve=False, client_concurrency=task.flight)
    with redirect_stdout(StringIO()):  # it prints the server's address
        client = make_vlm_client(config)
    client.generate_json([_with_image(number, encode=task.encode) for number in range(task.count)])


def _with_image(number: int, *, encode: bool) -> list[dict[str, Any]]:
    if not encode:
        return _messages(number, encode=False)
    image = {"type": "image", "image": pictures()[number % len(pictures())]}
    return [{"role": "user", "content": [image, {"type": "text", "text": TEXT}]}]
