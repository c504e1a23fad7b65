"""A server that takes half as many requests at once as it is sent, and answers 429 beyond: share of its capacity.

64 in flight, 32 taken, 200 ms each. The limit is a bare client that knows the number and never asks for more.
An answer that never comes is told too.
"""

from collections.abc import Iterator
from dataclasses import replace

from common import clients, rivals
from common.clients import Asked, Task
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
        found = rivals.contend(server, contenders, times, at_once=capacity)
        yield rivals.row("429 beyond 32 at once: share of the capacity", found, lambda asked: asked.share)

        def lost(asked: Asked) -> float:
            return 1 - asked.answered / task.count

        yield rivals.row("429 beyond 32 at once: answers lost", found, lost, ".1%")


if __name__ == "__main__":
    main(lines)
