"""Simulate the pipeline by discrete events: samples are decoded, sent, answered and stored in simulated time.

It has the limits of the pipeline: the number of decoders, of samples decoded ahead and of requests in flight, one event
loop per process, and one journal. A commit contains the results that arrived during the commit before it, and only
then are their places in flight free.
"""

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from pgen.inference.scheduler import decoded_ahead

type Then = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine of a run. `processes` read images and send requests: the coordinator alone, or Ray workers; each has
    `decoders` threads that decode.

    Times are in seconds: `decode` for all images of a sample, `request` of the event loop per request, `latency` the
    mean of a log-normal distribution with `sigma`, `commit` per commit and `store` per result in it.
    """

    processes: int
    servers: int
    in_flight: int
    decode: float
    request: float
    latency: float
    commit: float
    store: float
    decoders: int = 2
    sigma: float = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """Requests per second, and how busy each stage is at that rate, as a share of its places."""

    rate: float
    busy: dict[str, float]

    @property
    def fullest(self) -> str:
        """The busiest stage, which limits the rate."""
        return max(self.busy, key=lambda stage: self.busy[stage])


def simulate(machine: Machine, requests: int, seed: int = 0) -> Outcome:
    """Simulate `requests` requests; the rate is that of the middle half, when the pipeline neither fills nor drains."""
    run = _Run(machine, requests, random.Random(seed))
    run.go()
    first, last = run.answered[requests // 4], run.answered[3 * requests // 4]
    stations = {
        "decoding": run.decoders,
        "the event loop": run.loop,
        "the servers": run.servers,
        "the journal": run.journal,
    }
    rate = (3 * requests // 4 - requests // 4) / (last - first)
    return Outcome(rate, {name: rate * station.used / requests / station.size for name, station in stations.items()})


@dataclass(slots=True)
class _Station:
    """A stage with `size` places, first come, first served."""

    size: int
    waiting: deque[tuple[float, Then]] = field(default_factory=deque)
    taken: int = 0
    used: float = 0.0


class _Run:
    def __init__(self, machine: Machine, requests: int, chance: random.Random) -> None:
        self._machine, self._remaining, self._chance = machine, requests, chance
        self._now, self._number = 0.0, 0
        self._events: list[tuple[float, int, Then]] = []
        self._flights = machine.servers * machine.in_flight
        self._slots = _Station(self._flights + decoded_ahead(machine.decoders) * machine.processes)
        self.decoders = _Station(machine.decoders * machine.processes)
        self.loop = _Station(machine.processes)
        self.servers = _Station(self._flights)
        self.journal = _Station(1)
        self._group = 0
        self.answered: list[float] = []

    def go(self) -> None:
        for _ in range(self.decoders.size):
            self._next()
        while self._events:
            self._now, _, then = heappop(self._events)
            then()

    def _next(self) -> None:
        """Let a decoder take a sample, once there is a slot for it."""
        if self._remaining:
            self._remaining -= 1
            self._enter(self._slots, 0.0, self._decode, keep=True)

    def _decode(self) -> None:
        self._enter(self.decoders, self._machine.decode, self._decoded)

    def _decoded(self) -> None:
        self._next()
        # A server's place is taken before the request is sent: the client never has more in flight than it may.
        self._enter(self.servers, 0.0, self._send, keep=True)

    def _send(self) -> None:
        self._enter(self.loop, self._machine.request / 2, self._sent)

    def _sent(self) -> None:
        sigma = self._machine.sigma
        seconds = self._chance.lognormvariate(math.log(self._machine.latency) - sigma * sigma / 2, sigma)
        self.servers.used += seconds
        self._after(seconds, lambda: self._enter(self.loop, self._machine.request / 2, self._answered))

    def _answered(self) -> None:
        self.answered.append(self._now)
        self._group += 1
        if not self.journal.taken:
            self._commit()

    def _commit(self) -> None:
        group, self._group = self._group, 0
        if group:
            seconds = self._machine.commit + self._machine.store * group
            self._enter(self.journal, seconds, lambda: self._committed(group))

    def _committed(self, group: int) -> None:
        """Free the places of the committed requests."""
        for _ in range(group):
            self._leave(self.servers)
            self._leave(self._slots)
        self._commit()

    def _enter(self, station: _Station, seconds: float, then: Then, keep: bool = False) -> None:
        """Take a place for some seconds, or with `keep` until `_leave`."""

        def begin() -> None:
            station.taken += 1
            station.used += seconds
            self._after(seconds, then if keep else lambda: (self._leave(station), then())[1])

        if station.taken < station.size:
            begin()
        else:
            station.waiting.append((seconds, begin))

    def _leave(self, station: _Station) -> None:
        station.taken -= 1
        if station.waiting:
            station.waiting.popleft()[1]()

    def _after(self, seconds: float, then: Then) -> None:
        self._number += 1
        heappush(self._events, (self._now + seconds, self._number, then))
