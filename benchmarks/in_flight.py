"""Many requests in flight at a server with a latency of 200 ms: the share of the ideal rate, and the CPU time.

In the ideal, 64 (or 256) requests are at the server at every moment; the limit is a bare asyncio client that sends and
reads bytes. A request has one image of 640x480: a ready JPEG, or one that is encoded for each request, and then pgen
also writes its durable journal; lerobot-annotate encodes PNGs. In the shares, `pgen` is everything between samples and
results. The CPU time is that of clients: for pgen that of its generator alone, with the whole run beside it.
"""

from collections.abc import Iterator
from dataclasses import replace

from common import clients, rivals
from common.clients import Result, Task
from common.rivals import row
from common.server import Behaviour, Server
from common.table import Row, main

PNG_PART = 8
"""Encoding a PNG takes so long that only this fraction of the requests is sent."""


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


def _contend(server: Server, task: Task, times: int) -> dict[str, list[Result]]:
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


def _clients(results: dict[str, list[Result]]) -> dict[str, list[Result]]:
    """Return the results with pgen's generator in the place of the whole run."""
    others = {name: of_client for name, of_client in results.items() if name not in ("pgen", "limit", ALONE)}
    return {"pgen": results[ALONE], "limit": results["limit"], "all of a run of pgen": results["pgen"], **others}


def _share(result: Result) -> float:
    return result.share


def _milliseconds(result: Result) -> float:
    return result.cpu * 1000


if __name__ == "__main__":
    main(lines)
