"""A run over 10,000 episodes to which everything happens: a full disk, nodes that fail, a server that dies."""

import errno
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fault_points import Points, failing
from fault_server import CountingServer, Question
from PIL import Image
from ray_runs import lines, manifest

import pgen
from pgen.errors import StorageError
from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.verify import verify
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_ray.executor import RayExecutor
from pgen_samplers.samplers import EveryFrame

pytestmark = pytest.mark.long

EPISODES, FRAMES = 10_000, 2
SAMPLES = EPISODES * FRAMES
IN_FLIGHT = 48
"""Requests in flight of a worker."""
CPUS = 3
"""Of a worker, so that there is one on each node."""
GROWTH = 10 << 20
"""Bytes by which the coordinator may grow while it collects most of the results, half of what these occupy."""


@pytest.fixture
def root(tmp_path):
    layout = Layout(fps=10, cameras=("observation.images.top",), codec="png", episodes_per_data_file=1000)
    recordings = (Recording(length=FRAMES, draw=_draw, task="tidy up") for _ in range(EPISODES))
    return write_dataset(tmp_path / "dataset", recordings, layout)


def _draw(camera: str, frame: int) -> Image.Image:
    return Image.new("RGB", (32, 32), (frame * 90, 90, 160))


@dataclass
class Run:
    """A run in a thread of its own, by the requests that its servers have received and the memory of this process."""

    servers: list[CountingServer]
    future: Future[object]
    memory: list[tuple[int, int]] = field(default_factory=list)
    """Requests so far, and resident bytes."""

    @property
    def requests(self) -> int:
        return sum(server.total for server in self.servers)

    def wait_for(self, requests: float, node: Any) -> None:
        """Wait until there are so many requests and a worker is on the node."""
        while self.requests < requests or not is_working(node):
            assert not self.end(timeout=0.05)

    def end(self, timeout: float) -> bool:
        """Return whether the run has ended within so many seconds. Raises its error."""
        self.memory.append((self.requests, resident()))
        if not wait([self.future], timeout).done:
            return False
        self.future.result()
        return True

    def peak(self, first: int, last: int) -> int:
        """Return the most memory between two numbers of requests."""
        return max(size for requests, size in self.memory if first <= requests < last)


def resident() -> int:
    """Return the bytes of this process in memory."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) << 10


def is_working(node) -> bool:
    """Return whether a worker has its place on the node."""
    from ray._private.state import available_resources_per_node

    available = available_resources_per_node()
    return node.node_id in available and available[node.node_id].get("CPU", 0) < CPUS


def test_failing_nodes_a_dead_server_and_a_full_disk_cost_no_result_and_no_memory(cluster, root, tmp_path):
    out = tmp_path / "out"

    def work():
        generator = QwenOpenAIGenerator(base_url=",".join(server.url for server in servers), concurrency=IN_FLIGHT)
        executor, source = RayExecutor(workers=2, cpus=CPUS), LeRobotSource(root=root, skills="task")
        options = {"sampler": EveryFrame(), "prompt": Question(), "checks": (), "max_failures": 0}
        return pgen.annotate(source, out, generator=generator, executor=executor, **options)

    with ExitStack() as stack:
        servers = [stack.enter_context(CountingServer(0.1)) for _ in range(3)]
        node = cluster.add_node(num_cpus=CPUS, object_store_memory=100 << 20)
        stack.callback(lambda: cluster.remove_node(node))
        full = pytest.raises(StorageError, match="start the same command again")
        with full, Points(400, "before", failing(errno.ENOSPC)).installed():
            work()
        before = sum(server.total for server in servers)
        assert 0 < before < SAMPLES / 4

        run = Run(servers, stack.enter_context(ThreadPoolExecutor()).submit(work))
        for share in (0.3, 0.5):
            run.wait_for(share * SAMPLES, node)
            cluster.remove_node(node, allow_graceful=False)
            node = cluster.add_node(num_cpus=CPUS, object_store_memory=100 << 20)
        run.wait_for(0.7 * SAMPLES, node)
        servers[0].kill()
        while not run.end(timeout=0.05):
            pass
    deaths = manifest(out)["executor"]["deaths"]
    assert deaths >= 2
    written = lines(out)
    assert len(written) == SAMPLES
    assert {(line["episode_index"], line["frame_index"], line["status"]) for line in written} == {
        (episode, frame, "ok") for episode in range(EPISODES) for frame in range(FRAMES)
    }
    # In flight when the disk was full, in workers that died, and at the server that died.
    assert run.requests - SAMPLES <= (2 + deaths + 2) * IN_FLIGHT
    assert run.peak(SAMPLES * 9 // 10, SAMPLES) - run.peak(0, SAMPLES // 3) < GROWTH
    assert verify(out).ok
