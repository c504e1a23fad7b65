"""One Ray for all tests of the folder: starting it takes seconds. Its head has four places for workers."""

import os
import signal
from pathlib import Path

import pytest
from needed import need


@pytest.fixture(scope="session")
def cluster():
    """A cluster of one node, which this process has joined; `cluster.address` is for others."""
    need("ray")
    # Its processes, and those of nodes that are added, find the components of these tests.
    changes = pytest.MonkeyPatch()
    changes.setenv("RAY_USAGE_STATS_ENABLED", "0")
    changes.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "support"), prepend=os.pathsep)
    import ray
    from ray._private import ray_constants
    from ray.cluster_utils import Cluster

    # Else it listens on every interface; for processes that join it, and for this one, which may have imported Ray.
    changes.setenv(ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR, "0")
    changes.setattr(ray_constants, "ENABLE_RAY_CLUSTER", False)
    former = signal.getsignal(signal.SIGTERM)
    head = {"num_cpus": 4, "include_dashboard": False, "object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    signal.signal(signal.SIGTERM, former)
    yield cluster
    ray.shutdown()
    cluster.shutdown()
    changes.undo()
