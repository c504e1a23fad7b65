"""One Ray for all tests of the folder: starting it takes seconds. Its head has four places for workers."""

import os
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def cluster():
    """A cluster of one node, which this process has joined; `cluster.address` is for others."""
    if find_spec("ray") is None:
        reason = "Ray is not installed: install the extra `ray`"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # Its processes, and those of nodes that are added, find the components of these tests.
    changes = pytest.MonkeyPatch()
    changes.setenv("RAY_USAGE_STATS_ENABLED", "0")
    changes.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    import ray
    from ray.cluster_utils import Cluster

    former = signal.getsignal(signal.SIGTERM)
    head = {"num_cpus": 4, "include_dashboard": False, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    signal.signal(signal.SIGTERM, former)
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    changes.undo()
