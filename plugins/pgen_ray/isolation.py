"""Isolate a cluster: whoever can reach an open port of Ray can run code on its machines.

A cluster that pgen starts listens on the loopback interface, and refuses whoever does not have its token.
"""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

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
