"""`pgen segment` in a process of its own that is told to stop while a server still owes it answers."""

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
    """Describes at once; from the third question on that cuts an episode it waits for `gate`."""

    def __init__(self):
        super().__init__(self._fate)
        self.gate, self.cut, self.held = threading.Event(), 0, 0

    def _fate(self, body, count):
        if hostile.is_probe(body):
            return hostile.says()
        if "Split" not in hostile.question(body):
            return hostile.says(json.dumps({"description": "It moves."}))
        self.cut += 1
        return hostile.says(json.dumps({"skills": SPANS})) if self.cut <= 2 else self._hold

    async def _hold(self, request, body):
        self.held += 1
        while not self.gate.is_set():
            await asyncio.sleep(0.005)
        return hostile.completion(json.dumps({"skills": SPANS}))


def options(root, out, server):
    made = ["--root", root, "--output-dir", out, "--generator", "qwen-openai", "--base-url", server.url]
    return [str(option) for option in (*made, "--skills-only", "--concurrency", "2")]


class Process:
    """The command, and what it has said."""

    def __init__(self, root, out, server, patience=3600.0):
        command = [sys.executable, "-c", MAIN, str(patience), "segment", *options(root, out, server)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.said = ""
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self):
        for line in self._process.stderr:
            self.said += line

    def wait(self, there):
        while not there():
            assert self._process.poll() is None, self.said
            time.sleep(0.005)

    def send(self, number):
        self._process.send_signal(number)

    def code(self):
        code = self._process.wait()
        self._reading.join()
        self._process.stderr.close()
        return code


def asked(server):
    return sum(count for question, count in server.asked.items() if "robot's task" in question)


def finished(root, out, server):
    """The same command to its end; how many questions it asked."""
    server.gate.set()
    before = asked(server)
    run(*options(root, out, server))
    assert len(read_json(out / "skills.json")["episodes"]) == EPISODES
    assert not list(out.parent.glob(".*"))
    return asked(server) - before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_in_flight_is_waited_for_and_never_asked_again(root, tmp_path, number):
    with Server() as server:
        process = Process(root, tmp_path / "out", server)
        process.wait(lambda: server.held == 2)
        process.send(number)
        process.wait(lambda: "once more to stop at once" in process.said)
        server.gate.set()
        assert process.code() == 128 + number, process.said
        assert f"stopped by {number.name}; the same command resumes from here" in process.said
        assert not (tmp_path / "out").exists()
        before = asked(server)
        assert before < 2 * EPISODES
        assert before + finished(root, tmp_path / "out", server) == 2 * EPISODES
        assert set(server.asked.values()) == {1, 2}  # only the probe comes twice
        assert sum(count == 2 for count in server.asked.values()) == 1


def test_a_second_signal_stops_at_once(root, tmp_path):
    with Server() as server:
        process = Process(root, tmp_path / "out", server)
        process.wait(lambda: server.held == 2)
        process.send(signal.SIGINT)
        process.wait(lambda: "once more to stop at once" in process.said)
        process.send(signal.SIGTERM)
        assert process.code() == 128 + signal.SIGINT, process.said
        assert asked(server) + finished(root, tmp_path / "out", server) == 2 * EPISODES + 2


def test_what_takes_too_long_is_not_waited_for(root, tmp_path):
    with Server() as server:
        process = Process(root, tmp_path / "out", server, patience=0.05)
        process.wait(lambda: server.held == 2)
        process.send(signal.SIGTERM)
        assert process.code() == 128 + signal.SIGTERM, process.said
        assert asked(server) + finished(root, tmp_path / "out", server) == 2 * EPISODES + 2
