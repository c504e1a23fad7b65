"""A server with uneven latency (log-normal, sigma 0.5): the share of the rate that its mean allows.

A client that sends batches waits for the slowest request of each; pgen sends the next one after each answer.
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
        results = rivals.contend(server, contenders, times)
        yield rivals.row("log-normal latency: share of the mean's rate", results, lambda result: result.share)


if __name__ == "__main__":
    main(lines)
