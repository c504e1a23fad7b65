"""A server that accepts half of the requests in flight and answers 429 to the others: the share of its capacity used.

64 are in flight, 32 accepted, 200 ms each. The limit is a bare client that knows the capacity. Lost answers are counted
too.
"""

from collections.abc import Iterator
from dataclasses import replace

from common import clients, rivals
from common.clients import Result, Task
from common.server import Behaviour, Server
from common.table import Row, main


def lines(tiny: bool = False) -> Iterator[Row]:
    waves, times, capacity = (8, 1, 2) if tiny else (50, 3, 32)
    with Server(Behaviour(0.02 if tiny else 0.2, capacity=capacity)) as server:
        task = Task(server.url, capacity * waves, 2 * capacity)
        contenders = {
            "pgen": (clients.pgen, task),
            "limit": (rivals.bare, replace(task, flight=capacity)),
            "openai SDK": (rivals.sdk, task),
        }
        results = rivals.contend(server, contenders, times, at_once=capacity)
        yield rivals.row("429 beyond 32 at once: share of the capacity", results, lambda result: result.share)

        def lost(result: Result) -> float:
            return 1 - result.answered / task.count

        yield rivals.row("429 beyond 32 at once: answers lost", results, lost, ".1%")


if __name__ == "__main__":
    main(lines)
