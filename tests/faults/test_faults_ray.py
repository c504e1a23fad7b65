"""A cluster that pgen starts is closed to other clients: it listens on the loopback interface, and requires a token."""

import os
import subprocess
import sys
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import pytest

from pgen_ray import cluster

pytestmark = pytest.mark.needs("ray")

CLUSTER = """
import sys
import ray
from pgen_ray.cluster import Cluster, Share

cluster = Cluster(None, Share(1, 1.0, 0.0))
worker = ray.remote(type("Worker", (), {"here": lambda self: True})).remote()
assert ray.get(worker.here.remote())
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
cluster.close()
"""
MARK = "PGEN_TEST_CLUSTER"


@pytest.fixture
def started(tmp_path):
    """The address of a cluster that pgen has started in a process of its own; its processes are marked."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {MARK: str(tmp_path), "HOME": str(tmp_path)}
    command = [sys.executable, "-c", CLUSTER]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        address = process.stdout.readline().strip()
        yield address
        _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "can run code" not in errors


def listening(mark):
    """Return the addresses on which the processes with the mark listen."""
    sockets = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if f"{MARK}={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                for file in (process / "fd").iterdir():
                    with suppress(OSError):
                        sockets.add(str(file.readlink()))
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()]
    return [ip_of(line[1]) for line in lines if line[3] == "0A" and f"socket:[{line[9]}]" in sockets]


def ip_of(text):
    """Return the IP address in a line of /proc/net/tcp: words of four bytes in the byte order of the machine."""
    words = bytes.fromhex(text.partition(":")[0])
    value = b"".join(words[at : at + 4][:: 1 if sys.byteorder == "big" else -1] for at in range(0, len(words), 4))
    address = ip_address(value)
    return getattr(address, "ipv4_mapped", None) or address


@pytest.mark.skipif(sys.platform != "linux", reason="open sockets are read from /proc")
def test_a_local_cluster_listens_only_on_the_loopback_interface(started, tmp_path, tally):
    addresses = listening(tmp_path)
    assert len(addresses) >= 5  # the driver, the GCS, the raylet, an agent, a worker
    assert [str(address) for address in addresses if not address.is_loopback] == []
    tally.add("a cluster of Ray: its sockets, and strangers without its token", 1)


def test_a_local_cluster_refuses_clients_without_its_token(started, tmp_path, tally):
    code = f"from ray._raylet import GcsClient; GcsClient(address={started!r}).internal_kv_keys(b'', None, 10)"
    for credentials in ({}, {cluster.MODE: "token", cluster.TOKEN: "0" * 64}):
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **credentials}
        refused = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert refused.returncode == 1
        assert "AuthenticationError" in refused.stderr
        tally.add("a cluster of Ray: its sockets, and strangers without its token", 1)
    assert not (tmp_path / ".ray").exists()
