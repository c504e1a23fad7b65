"""LocalServers that are started by a command: they answer, and nothing of them is left, however it ends."""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from asking import a_request
from hanging import HANG

from pgen.errors import ConfigError
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_qwen_openai.local_server import LocalServers

FAKE = Path(__file__).parents[2] / "support" / "fake_server.py"


def command(notes, *flags):
    return shlex.join([sys.executable, str(FAKE), "{port}", str(notes), *flags])


def notes_in(folder):
    return [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]


def running(notes):
    """Return those of the noted processes that still run."""
    return [pid for note in notes_in(notes) for pid in note["pids"] if alive(pid)]


def alive(pid):
    """Whether a process runs. A container whose first process reaps no children keeps zombies."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended between opening and reading
        return False


@pytest.mark.parametrize("flags", [[], ["--stubborn"]])
def test_a_server_is_started_used_and_stopped_with_its_child_processes(tmp_path, monkeypatch, flags):
    monkeypatch.setattr("pgen_qwen_openai.local_server.GRACE", 0.5)
    generator = QwenOpenAIGenerator(serve=command(tmp_path, *flags))

    async def go():
        await generator.open()
        assert len(running(tmp_path)) == 3
        reply = await generator.generate(a_request())
        await generator.close()
        return reply

    assert '"robot_utterance": "b"' in asyncio.run(go()).text
    assert running(tmp_path) == []


def test_the_log_of_a_server_that_ends_is_shown_without_the_key(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    generator = QwenOpenAIGenerator(serve=command(tmp_path, "--dies"))
    with pytest.raises(ConfigError, match=r"exit code 1.*(?s:.*)loading the weights of \*\*\*\nout of memory"):
        asyncio.run(generator.open())
    assert running(tmp_path) == []


def test_a_server_that_never_answers_is_given_up(tmp_path):
    generator = QwenOpenAIGenerator(serve=command(tmp_path, "--mute"), serve_timeout=2)
    with pytest.raises(ConfigError, match=r"did not answer within 2 s.*(?s:.*)"):
        asyncio.run(generator.open())
    assert running(tmp_path) == []


def test_a_missing_program_is_named():
    generator = QwenOpenAIGenerator(serve="no-such-program --port {port}")
    with pytest.raises(ConfigError, match=r"exit code 127.*\n.*no-such-program: No such file"):
        asyncio.run(generator.open())


def test_an_interruption_while_it_starts_leaves_nothing(tmp_path):
    generator = QwenOpenAIGenerator(serve=command(tmp_path, "--mute"))

    async def go():
        opening = asyncio.create_task(generator.open())
        while not notes_in(tmp_path):
            await asyncio.sleep(0.02)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    asyncio.run(go())
    assert running(tmp_path) == []


def test_nothing_outlives_a_run_that_is_killed(tmp_path):
    program = (
        "import asyncio, sys\nfrom pgen_qwen_openai.local_server import LocalServers\n"
        "async def go():\n    await LocalServers(sys.argv[1], 1).start(600)\n    print('up', flush=True)\n"
        "    await asyncio.sleep(600)\nasyncio.run(go())"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(tmp_path)}
    arguments = [sys.executable, "-c", program, command(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout.readline() == b"up\n"
        assert len(running(tmp_path)) == 3
        run.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + HANG
    while running(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running(tmp_path) == []


@pytest.mark.parametrize(("visible", "gpus"), [(None, ["0", "1"]), ("4, 7,9", ["4", "7"])])
def test_replicas_get_a_gpu_and_a_port_each(tmp_path, monkeypatch, visible, gpus):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    servers = LocalServers(command(tmp_path), 2)

    async def go():
        try:
            return await servers.start(HANG)
        finally:
            await servers.stop()

    assert len(set(asyncio.run(go()))) == 2
    assert sorted(note["gpu"] for note in notes_in(tmp_path)) == gpus
    assert running(tmp_path) == []


def test_more_replicas_than_gpus_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(ConfigError, match="names 1 GPUs"):
        asyncio.run(LocalServers(command(tmp_path), 2).start(HANG))


def test_an_unfinished_quote_is_no_command():
    with pytest.raises(ConfigError, match="not a command"):
        asyncio.run(QwenOpenAIGenerator(serve="vllm 'serve {port}").open())
