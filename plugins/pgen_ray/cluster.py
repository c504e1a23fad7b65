"""The cluster: joined at an address, or started on this machine for the time of a run; its resources and isolation.

Whoever can reach an open port of Ray can run code on its machines. A cluster that pgen starts listens on the loopback
interface, and refuses whoever does not have its token.
"""

import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from ipaddress import ip_address
from math import ceil, floor
from typing import Any, NamedTuple

from pgen.errors import ConfigError
from pgen.run.signals import SIGNALS

MODE, TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"

OPEN = (
    "executor ray: everyone who can reach the ports of this cluster can run code on it. Start it with RAY_AUTH_MODE="
    "token (Ray 2.52 or later), or close its ports to others by a firewall or a private network: docs/cluster.md, "
    "Isolation."
)

log = logging.getLogger("pgen.ray")


@contextmanager
def bound_to_loopback() -> Iterator[None]:
    """Make Ray bind what it starts to the loopback interface.

    Ray replaces a loopback address by one that other machines can reach (`_node_ip_address` too), except where it
    supports no clusters, which is on macOS and Windows; this constant is how it tells.
    """
    from ray._private import ray_constants

    former = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = former


@contextmanager
def own_token() -> Iterator[None]:
    """Make Ray require a random token, which only this process and its children have.

    Does nothing where RAY_AUTH_MODE is set, which is the user's choice, or where Ray has no tokens (before 2.52).
    """
    if MODE in os.environ or not _has_tokens():
        yield
        return
    former = os.environ.get(TOKEN)
    os.environ |= {MODE: "token", TOKEN: secrets.token_hex(32)}
    _read_environment()
    try:
        yield
    finally:
        del os.environ[MODE], os.environ[TOKEN]
        if former is not None:
            os.environ[TOKEN] = former
        _read_environment()


def warn_where_open() -> None:
    """Warn of a cluster that other machines can reach and that requires no token."""
    import ray

    loopback = ip_address(ray.util.get_node_ip_address()).is_loopback
    if not loopback and not (_has_tokens() and os.environ.get(MODE, "").lower() == "token"):
        log.warning(OPEN)


def _has_tokens() -> bool:
    return hasattr(_raylet(), "AuthenticationTokenLoader")


def _read_environment() -> None:
    """Have Ray read these variables again. In this order, since its threads may still use the token."""
    _raylet().Config.initialize("")
    _raylet().AuthenticationTokenLoader.instance().reset_cache()


def _raylet() -> Any:
    import ray._raylet

    return ray._raylet


CONNECT_TIMEOUT = 10.0
"""Seconds in which the address of a cluster has to accept a connection."""

OBJECT_STORE = 100 << 20
"""Bytes of the object store of a cluster that pgen starts: nothing large is sent."""

_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


class Share(NamedTuple):
    """How many workers there will be, and what each reserves."""

    workers: int
    cpus: float
    gpus: float


class Cluster:
    """A connection to Ray. One that the process has already is used, and not closed."""

    def __init__(self, address: str | None, share: Share | None) -> None:
        import ray

        with ExitStack() as undo:
            if not ray.is_initialized():
                _check_reached(address)
                address = address or os.environ.get("RAY_ADDRESS")
                undo.enter_context(nullcontext() if address else own_token())
                undo.callback(ray.shutdown)
                with _signals_restored():
                    _join(address) if address else _start(share)
                warn_where_open()
            self._undo = undo.pop_all()

    def share(self, workers: int | None, cpus: float, gpus: float | None, wanted: float) -> Share:
        """Fill in what the options leave open. `wanted` is how many GPUs the generator computes on."""
        import ray

        available = ray.cluster_resources().get("GPU", 0.0)
        if gpus is None:
            gpus = wanted if available else 0.0
        if workers is None:
            nodes = len([node for node in ray.nodes() if node["Alive"]])
            workers = max(1, floor(available / gpus)) if gpus and available else nodes
        return Share(workers, cpus, gpus)

    def capacity(self) -> str:
        """Return the CPUs and GPUs of the cluster, for a message."""
        import ray

        resources = ray.cluster_resources()
        return f"{resources.get('CPU', 0):g} CPUs and {resources.get('GPU', 0):g} GPUs"

    def close(self) -> None:
        self._undo.close()


def _join(address: str) -> None:
    import ray

    with _explained(f"no cluster could be joined at {address}"):
        ray.init(address=address, **_QUIET)


def _start(share: Share | None) -> None:
    import ray

    # Ray reports its use over the network unless it is told not to.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    cpus = max(os.cpu_count() or 1, ceil(share.workers * share.cpus) if share else 1)
    with _explained("Ray did not start"), bound_to_loopback():
        # Without `local` it would join whatever cluster this machine is part of.
        ray.init("local", num_cpus=cpus, include_dashboard=False, object_store_memory=OBJECT_STORE, **_QUIET)


@contextmanager
def _explained(failure: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of many kinds, by what is wrong
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(f"executor ray: {failure}: {reason}") from error


def _check_reached(address: str | None) -> None:
    """Check the address before Ray does, which would try for minutes and print many lines."""
    host, _, port = (address or "").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host, int(port)), CONNECT_TIMEOUT).close()
    except OSError as error:
        raise ConfigError(
            f"executor ray: nothing answers at {address} ({error.strerror or error}); start the cluster with `ray "
            "start --head`, and name its address, or auto on one of its machines."
        ) from None


@contextmanager
def _signals_restored() -> Iterator[None]:
    """Restore the signal handlers: Ray replaces that of SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
