"""Ray itself: joined at an address, or started on this machine for the time of a run; and what it offers."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from math import ceil, floor
from typing import Any, NamedTuple

from pgen.errors import ConfigError
from pgen.run.signals import SIGNALS
from pgen_ray.isolation import bound_to_loopback, own_token, warn_where_open

REACHED = 10.0
"""Seconds in which the address of a cluster has to answer."""

STORE = 100 << 20
"""Bytes that a Ray of our own may share between its processes: nothing large travels."""

QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


class Share(NamedTuple):
    """How many workers there are to be, and what each one holds."""

    workers: int
    cpus: float
    gpus: float


class Cluster:
    """A connection to Ray. One that the caller has already is used, and left as it is."""

    def __init__(self, address: str | None, share: Share | None) -> None:
        import ray

        with ExitStack() as undo:
            if not ray.is_initialized():
                _check_reached(address)
                address = address or os.environ.get("RAY_ADDRESS")
                undo.enter_context(nullcontext() if address else own_token())
                undo.callback(ray.shutdown)
                with _signals_kept():
                    _join(address) if address else _start(share)
                warn_where_open()
            self._undo = undo.pop_all()

    def share(self, workers: int | None, cpus: float, gpus: float | None, wanted: float) -> Share:
        """What is left open, by what the cluster has. `wanted` is how many GPUs the generator computes on."""
        import ray

        there = ray.cluster_resources()
        if gpus is None:
            gpus = wanted if there.get("GPU") else 0.0
        if workers is None:
            nodes = len([node for node in ray.nodes() if node["Alive"]])
            workers = max(1, floor(there["GPU"] / gpus)) if gpus and there.get("GPU") else nodes
        return Share(workers, cpus, gpus)

    def offers(self) -> str:
        """The CPUs and GPUs of the cluster, for a message."""
        import ray

        there = ray.cluster_resources()
        return f"{there.get('CPU', 0):g} CPUs and {there.get('GPU', 0):g} GPUs"

    def close(self) -> None:
        self._undo.close()


def _join(address: str) -> None:
    import ray

    with _explained(f"no cluster could be joined at {address}"):
        ray.init(address=address, **QUIET)


def _start(share: Share | None) -> None:
    import ray

    # Ray reports its use over the network unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    cpus = max(os.cpu_count() or 1, ceil(share.workers * share.cpus) if share else 1)
    with _explained("Ray did not start"), bound_to_loopback():
        # Without `local` it would join whatever cluster this machine is part of.
        ray.init("local", num_cpus=cpus, include_dashboard=False, object_store_memory=STORE, **QUIET)


@contextmanager
def _explained(failure: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of many kinds, by what is wrong
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"executor ray: {failure}: {reason}") from error


def _check_reached(address: str | None) -> None:
    """Ray itself would try for minutes, and tell of it in many lines."""
    host, _, port = (address or "").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), REACHED).close()
    except OSError as error:
        raise ConfigError(
            f"executor ray: nothing answers at {address} ({error.strerror or error}); start the cluster with `ray "
            "start --head`, and name its address, or auto on one of its machines."
        ) from None


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself; a run ends by it in its own way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
