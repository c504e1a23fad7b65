"""Many requests in flight at a server that takes 200 ms for each: how much of that time is used, and what it costs.

The share is of the ideal, in which 64 (or 256) requests are at the server at every moment; the limit is a
bare client of asyncio that sends and reads bytes. A request shows one picture of 640x480. It is a JPEG already,
or it is encoded for each request, and pgen then also writes its durable journal; lerobot-annotate makes PNGs.
In the shares, `pgen` is all that a run does between its samples and its answers. The CPU is that of clients: pgen's is
its generator alone, as the others are; what all of a run takes is told beside them.
"""

from collections.abc import Iterator
from dataclasses import replace

from common import clients, rivals
from common.clients import Asked, Task
from common.rivals import row
from common.server import Behaviour, Server
from common.table import Row, main

PNG_PART = 8
"""A PNG takes so long that such a part of the requests has to do."""


ALONE = "pgen's generator alone"


def lines(tiny: bool = False) -> Iterator[Row]:
    waves, times = (2, 1) if tiny else (25, 3)
    few, many = (4, 8) if tiny else (64, 256)
    with Server(Behaviour(0.02 if tiny else 0.2)) as server:
        for flight in (few, many):
            ready = _contend(server, Task(server.url, flight * waves, flight), times)
            yield row(f"{flight} requests in flight, JPEG made before: share of the ideal", ready, _share)
            if flight == few:
                yield row("client CPU milliseconds a request, JPEG made before", _clients(ready), _milliseconds)
        encoding = _contend(server, Task(server.url, few * waves, few, encode=True), times)
        yield row(f"{few} requests in flight, JPEG made, journal written: share of the ideal", encoding, _share)
        yield row("client CPU milliseconds a request, JPEG made", _clients(encoding), _milliseconds)


def _contend(server: Server, task: Task, times: int) -> dict[str, list[Asked]]:
    part = replace(task, count=max(task.flight, task.count // PNG_PART)) if task.encode else task
    contenders: dict[str, tuple[rivals.Contender, Task]] = {
        "pgen": (clients.pgen, task),
        "limit": (rivals.bare, task),
        ALONE: (clients.generator, task),
        "a bare loop of aiohttp": (rivals.bare_aiohttp, task),
        "openai SDK": (rivals.sdk, task),
        "lerobot-annotate's client": (rivals.lerobot, part),
    }
    return rivals.contend(server, contenders, times)


def _clients(found: dict[str, list[Asked]]) -> dict[str, list[Asked]]:
    """The same with pgen's client in pgen's place."""
    others = {name: asked for name, asked in found.items() if name not in ("pgen", "limit", ALONE)}
    return {"pgen": found[ALONE], "limit": found["limit"], "all of a run of pgen": found["pgen"], **others}


def _share(asked: Asked) -> float:
    return asked.share


def _milliseconds(asked: Asked) -> float:
    return asked.cpu * 1000


if __name__ == "__main__":
    main(lines)
