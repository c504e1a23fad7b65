"""Many requests in flight at a server with a mean latency of 200 ms: the share of the ideal rate.

In the ideal, 64 (or 256) requests are at the server at every moment; the limit is a bare loop of aiohttp. A request has
one image of 640x480: a ready JPEG, or one that is encoded for each request, and then pgen also writes its durable
journal; lerobot-annotate encodes PNGs. `pgen` is everything between samples and results. Then a server accepts only 32
requests and answers 429 to the others, and one has an uneven latency (log-normal, sigma 0.5).
"""

from collections.abc import Iterator
from dataclasses import replace

from common import clients, rivals
from common.clients import Result, Task
from common.rivals import Contender, row
from common.server import Behaviour, Server
from common.table import Row, main

PNG_PART = 8
"""Encoding a PNG takes so long that only this fraction of the requests is sent."""
LOOPS = ("pgen", "limit")


def lines(tiny: bool = False) -> Iterator[Row]:
    waves, times, latency = (8, 1, 0.02) if tiny else (25, 3, 0.2)
    few, many = (4, 8) if tiny else (64, 256)
    with Server(Behaviour(latency)) as server:
        for flight in (few, many):
            ready = rivals.contend(server, _contenders(Task(server.url, flight * waves, flight)), times)
            yield row(f"{flight} requests in flight, JPEG made before: share of the ideal", ready, _share)
        for flight in (few, many):
            contenders = _contenders(Task(server.url, flight * waves, flight, encode=True))
            # The others are far from the ideal already with few, and take minutes with many.
            encoding = rivals.contend(
                server, {name: it for name, it in contenders.items() if flight == few or name in LOOPS}, times
            )
            yield row(f"{flight} requests in flight, JPEG made, journal written: share of the ideal", encoding, _share)
    with Server(Behaviour(latency, sigma=0.5)) as server:
        uneven = rivals.contend(server, _contenders(Task(server.url, 2 * few * waves, few)), times)
        yield row("log-normal latency: share of the mean's rate", uneven, _share)
    capacity = few // 2
    with Server(Behaviour(latency, capacity=capacity)) as server:
        task = Task(server.url, 2 * few * waves, few)
        contenders = _contenders(task) | {"limit": (rivals.bare, replace(task, flight=capacity))}
        busy = rivals.contend(server, contenders, times, at_once=capacity)
        yield row(f"429 beyond {capacity} at once: share of the capacity", busy, _share)
        lost = row(
            f"429 beyond {capacity} at once: answers lost", busy, lambda each: 1 - each.answered / task.count, ".1%"
        )
        yield lost


def _contenders(task: Task) -> dict[str, tuple[Contender, Task]]:
    part = replace(task, count=max(task.flight, task.count // PNG_PART)) if task.encode else task
    return {
        "pgen": (clients.pgen, task),
        "limit": (rivals.bare, task),
        "openai SDK": (rivals.sdk, task),
        "lerobot-annotate's client": (rivals.lerobot, part),
    }


def _share(result: Result) -> float:
    return result.share


if __name__ == "__main__":
    main(lines)
