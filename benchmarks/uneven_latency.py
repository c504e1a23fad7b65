"""A server whose answers take unevenly long (log-normal, sigma 0.5): share of the rate that the mean allows.

Whoever asks in batches waits for the slowest of each; pgen asks the next as soon as one is answered.
"""

from collections.abc import Iterator

from common import clients, rivals
from common.clients import Task
from common.server import Behaviour, Server
from common.table import Row, main


def lines(tiny: bool = False) -> Iterator[Row]:
    waves, times, flight = (2, 1, 4) if tiny else (50, 3, 64)
    with Server(Behaviour(0.02 if tiny else 0.2, sigma=0.5)) as server:
        task = Task(server.url, flight * waves, flight)
        contenders = {
            "pgen": (clients.pgen, task),
            "limit": (rivals.bare, task),
            "openai SDK": (rivals.sdk, task),
            "openai SDK in batches": (rivals.batches, task),
        }
        found = rivals.contend(server, contenders, times)
        yield rivals.row("log-normal latency: share of the mean's rate", found, lambda asked: asked.share)


if __name__ == "__main__":
    main(lines)
