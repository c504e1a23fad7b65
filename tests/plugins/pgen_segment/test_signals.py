"""`pgen segment` in a process of its own that is stopped while requests are in flight."""

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time

import hostile_server as hostile
import pytest
from segment_helpers import Phase, dataset, episode, read_json, run
from vlm_helpers import SPANS

EPISODES = 6
MAIN = "import sys, pgen.run.signals, pgen.cli; pgen.run.signals.PATIENCE = float(sys.argv.pop(1)); pgen.cli.main()"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    phases = (Phase(3, (1, 0, 0)), Phase(3.6, (0, 0, 1)))
    return dataset(tmp_path_factory.mktemp("stop") / "in", *(episode(phases, task=str(i)) for i in range(EPISODES)))


class Server(hostile.HostileServer):
    """Describes at once; from the third request for spans on it waits for `gate`."""

    def __init__(self):
        super().__init__(self._fate)
        self.gate, self.segmented, self.held = threading.Event(), 0, 0

    def _fate(self, body, count):
        if hostile.is_probe(body):
            return hostile.says()
        if "Split" not in hostile.question(body):
            return hostile.says(json.dumps({"description": "It moves."}))
        self.segmented += 1
        return hostile.says(json.dumps({"skills": SPANS})) if self.segmented <= 2 else self._hold

    async def _hold(self, request, body):
        self.held += 1
        while not self.gate.is_set():
            await asyncio.sleep(0.005)
        return hostile.completion(json.dumps({"skills": SPANS}))

    def requests(self):
        return sum(count for prompt, count in self.asked.items() if "robot's task" in prompt)


@pytest.mark.parametrize(
    ("signals", "patience", "repeated"),
    [
        ([signal.SIGINT], 3600.0, 0),
        ([signal.SIGTERM], 3600.0, 0),
        ([signal.SIGINT, signal.SIGTERM], 3600.0, 2),
        ([signal.SIGTERM], 0.05, 2),
    ],
    ids=["SIGINT", "SIGTERM", "a second signal", "out of patience"],
)
def test_after_a_signal_only_requests_that_did_not_finish_are_sent_again(root, tmp_path, signals, patience, repeated):
    out, stderr = tmp_path / "out", tmp_path / "stderr"
    with Server() as server, stderr.open("w") as errors:
        options = [
            "--root",
            root,
            "--output-dir",
            out,
            "--segmenter",
            "vlm",
            "--generator",
            "qwen-openai",
            "--base-url",
            server.url,
        ]
        options = [str(option) for option in (*options, "--skills-only", "--concurrency", "2")]
        command = [sys.executable, "-c", MAIN, str(patience), "segment", *options]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors) as process:

            def wait(condition):
                while not condition():
                    assert process.poll() is None, stderr.read_text()
                    time.sleep(0.005)

            wait(lambda: server.held == 2)
            process.send_signal(signals[0])
            if patience > 1:
                wait(lambda: "once more to stop at once" in stderr.read_text())
            for number in signals[1:]:
                process.send_signal(number)
            if not repeated:
                server.gate.set()
        assert process.returncode == 128 + signals[0], stderr.read_text()
        assert repeated or f"stopped by {signals[0].name}; the same command resumes from here" in stderr.read_text()
        assert not out.exists()
        before = server.requests()
        assert before < 2 * EPISODES + repeated
        server.gate.set()
        run(*options)
        assert len(read_json(out / "skills.json")["episodes"]) == EPISODES
        assert not list(tmp_path.glob(".*"))
        assert server.requests() == 2 * EPISODES + repeated
        assert sum(count > 1 for count in server.asked.values()) == 1 + repeated  # the probe comes twice in any case
