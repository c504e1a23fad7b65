"""Forks a process for each command, from one that has imported what takes seconds to import.

Usage: fork_server.py LISTENER MODULE... `forked.py` starts it with a listening socket. Each message on a connection
is a command with its standard output and error; the answers are the number of the process and its exit code. A process
ends with its connection, the server with the last one. Any Python from 3.10 on runs it: it needs no other package.
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

LONGEST = 1 << 17
"""The longest message, in bytes."""


class Server:
    """The connections, and the process of each."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._processes: dict[socket.socket, int] = {}

    def serve(self) -> "dict[str, Any] | None":
        """Return a command in the process that executes it, and None in the server, at its end."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    connection, _ = self._listener.accept()
                    self._processes[connection] = 0
                    self._selector.register(connection, selectors.EVENT_READ)
                elif key.data:
                    self._report(*key.data, key.fd)
                elif command := self._read(key.fileobj):
                    return command
            if not self._processes and self._is_unused():
                return None

    def _read(self, connection: socket.socket) -> "dict[str, Any] | None":
        """Read a message: fork, and return the command in the new process."""
        try:
            message, files, _, _ = socket.recv_fds(connection, LONGEST, 2)
        except ConnectionError:  # it was closed with an answer in it
            message = b""
        if not message:
            self._close(connection)
            return None
        pid = os.fork()
        if not pid:
            for file, target in zip(files, (1, 2), strict=True):
                os.dup2(file, target)
        for file in files:
            os.close(file)
        if not pid:
            self._leave()
            return json.loads(message)
        self._processes[connection] = pid
        self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (connection, pid))
        _answer(connection, pid)
        return None

    def _leave(self) -> None:
        """Close the server's files in a new process: a connection ends when nobody has it open."""
        for key in list(self._selector.get_map().values()):
            os.close(key.fd) if key.data else key.fileobj.close()
        self._selector.close()

    def _report(self, connection: socket.socket, pid: int, file: int) -> None:
        self._selector.unregister(file)
        os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if connection in self._processes:
            self._processes[connection] = 0
            _answer(connection, code)

    def _close(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        connection.close()
        if pid := self._processes.pop(connection):
            os.kill(pid, signal.SIGKILL)

    def _is_unused(self) -> bool:
        """Remove the address, unless somebody has just connected; who connects holds the lock."""
        with Path(__file__).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self._selector.select(0):
                return False
            Path(self._listener.getsockname()).unlink()
            return True


def _answer(connection: socket.socket, number: int) -> None:
    """Send a number, unless the other end is closed, which is read next."""
    with suppress(ConnectionError):
        connection.send(str(number).encode())


def execute(arguments: "list[str]", env: "dict[str, str]", cwd: str) -> None:
    """Do what a new interpreter with these arguments does; -W may have the value `ignore`."""
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    _read_environment()
    sys.path[:] = [*filter(None, env.get("PYTHONPATH", "").split(os.pathsep)), *sys.path]
    if arguments[:2] == ["-W", "ignore"]:
        warnings.simplefilter("ignore")
        arguments = arguments[2:]
    if arguments[0] == "-m":
        sys.argv, sys.path[:0] = arguments[1:], [cwd]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv, sys.path[:0] = ["-c", *arguments[2:]], [""]
        module = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(arguments[1], "<string>", "exec"), module.__dict__)
    else:
        sys.argv, sys.path[:0] = arguments, [str(Path(arguments[0]).parent)]
        runpy.run_path(arguments[0], run_name="__main__")


def _read_environment() -> None:
    """Let modules of Hugging Face read again what they have read from the environment when they were imported."""
    if constants := sys.modules.get("huggingface_hub.constants"):
        try:
            importlib.reload(constants)
        except ValueError:  # so does the import of huggingface_hub, where the program does it
            for name in [name for name in sys.modules if name.partition(".")[0] == "huggingface_hub"]:
                del sys.modules[name]
    if config := sys.modules.get("datasets.config"):
        home = os.environ.get("HF_HOME", "~/.cache/huggingface")
        cache = os.environ.get("HF_DATASETS_CACHE", f"{home}/datasets")
        config.HF_DATASETS_CACHE = Path(cache).expanduser()  # type: ignore[attr-defined]


def _exit_code(command: "dict[str, Any]") -> int:
    """Execute a command; return its exit code, and print what an interpreter prints."""
    try:
        execute(**command)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def main(listener: str, *modules: str) -> None:
    for module in modules:
        with suppress(ImportError):  # a command that needs it fails by itself
            importlib.import_module(module)
    # An idle thread of pyarrow's allocator exists, which is prepared for forks.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    gc.freeze()
    if not (command := Server(socket.socket(fileno=int(listener))).serve()):
        return
    warnings.filters.pop(0)
    code = _exit_code(command)
    # The end of an interpreter, without the second that it takes to delete the modules of torch.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
