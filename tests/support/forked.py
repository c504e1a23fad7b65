"""Processes that begin with what takes seconds to import: forked by servers (`fork_server.py`) of the whole test run.

They behave like new interpreters: what huggingface_hub and datasets have read from the environment, they read again.
"""

import fcntl
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from fork_server import LONGEST
from hanging import HANG

import pgen_modules

SCRIPT = Path(__file__).with_name("fork_server.py")
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
PGEN = (
    *pgen_modules.names(),
    "PIL.ImageDraw",
    "httpcore",
    "huggingface_hub._snapshot_download",
    "huggingface_hub.file_download",
    "huggingface_hub.hf_api",
    "jsonschema",
    "jsonschema_rs",
    "pandas",
    "yaml",
)
LEROBOT = ("lerobot.datasets.lerobot_dataset",)
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

type Environment = Mapping[str, str] | None
type Command = Sequence[str | Path]

_servers: list["subprocess.Popen[bytes]"] = []
_held: dict[str, socket.socket] = {}
"""A connection to each server that this process uses: the server ends with the last one."""


class Process:
    """A forked process, which ends when its connection does."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.pid = self._number()
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self) -> int:
        """Return the exit code, negative if a signal killed the process."""
        if self.returncode is None:
            with self._connection:
                self.returncode = self._number()
        return self.returncode

    def _number(self) -> int:
        message = self._connection.recv(64)
        assert message, "the server of forked processes has ended; its error is in the captured output"
        return int(message)


def start_pgen(command: Command, out: IO[str], env: Environment = None) -> Process:
    """Start `python -c CODE ARGUMENTS...` where pgen is imported."""
    return _start(command, PGEN, out, out, env)


@contextmanager
def piped_pgen(command: Command) -> Iterator[tuple[Process, IO[str]]]:
    """Start `python -c CODE ARGUMENTS...` where pgen is imported, and yield it with its standard output."""
    read, write = os.pipe()
    with os.fdopen(read) as out:
        with os.fdopen(write, "w") as end, os.fdopen(os.dup(2), "w") as err:
            process = _start(command, PGEN, end, err, None)
        try:
            yield process, out
        except BaseException:
            process.kill()
            raise
        finally:
            process.wait()


def run_pgen(command: Command, env: Environment = None, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Execute `python -c CODE ARGUMENTS...` or a script where pgen is imported."""
    return _run(command, PGEN, env, cwd)


def run_lerobot(
    command: Command, env: Environment = None, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Execute a command of a Python where its version of lerobot is imported."""
    return _run(command, LEROBOT, env, cwd)


def run_pgen_and_lerobot(command: Command, env: Environment = None) -> "subprocess.CompletedProcess[str]":
    """Execute a script that measures both where both are imported."""
    return _run(command, (*PGEN, *LEROBOT), env, None)


def _run(
    command: Command, modules: Sequence[str], env: Environment, cwd: Path | None
) -> "subprocess.CompletedProcess[str]":
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        code = _start(command, modules, out, err, env, cwd).wait()
        texts = [(file.seek(0), file.read())[1] for file in (out, err)]
    return subprocess.CompletedProcess(command, code, *texts)


def _start(
    command: Command, modules: Sequence[str], out: IO[str], err: IO[str], env: Environment, cwd: Path | None = None
) -> Process:
    python, *arguments = map(str, command)
    address = _address(python, modules)
    if address not in _held:
        _held[address] = _connect(address, python, modules)
    folder = str(cwd or Path.cwd())
    message = {"arguments": arguments, "env": dict(os.environ if env is None else env), "cwd": folder}
    content = json.dumps(message).encode()
    assert len(content) < LONGEST
    connection = _connected(address)
    socket.send_fds(connection, [content], [out.fileno(), err.fileno()])
    return Process(connection)


def _address(python: str, modules: Sequence[str]) -> str:
    digest = hashlib.sha256(" ".join((RUN, python, *modules)).encode()).hexdigest()
    return str(Path(tempfile.gettempdir()) / f"pgen-{digest[:16]}.socket")


def _connect(address: str, python: str, modules: Sequence[str]) -> socket.socket:
    """Connect to the server, which is started unless another process of this test run has done so."""
    with SCRIPT.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(FileNotFoundError, ConnectionRefusedError):
            return _connected(address)
        Path(address).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(address)
            listener.listen()
            paths = os.pathsep.join(sys.path) if python == sys.executable else ""
            server = subprocess.Popen(
                [python, SCRIPT, str(listener.fileno()), *modules],
                env=os.environ | OFFLINE | {"PYTHONPATH": paths},
                pass_fds=[listener.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
            _servers.append(server)
        return _connected(address)


def _connected(address: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(HANG)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection
