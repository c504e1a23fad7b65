"""Starts servers with the user's command, waits until they answer, and stops them with all their processes.

Each runs in its own session under `supervisor.py`, so that Ctrl-C reaches pgen alone, which first finishes the
requests in flight, and so that no process is left when pgen is killed.
"""

import asyncio
import os
import shlex
import socket
import sys
import tempfile
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from pgen.errors import ConfigError
from pgen.safety.redaction import clipped, register
from pgen_qwen_openai.retry import RejectedError, TransientError
from pgen_qwen_openai.transport import Transport

POLL = 0.25
"""Seconds between two requests to a server that is starting."""

GRACE = 10.0
"""Seconds that a server with its child processes has to end before they are killed."""

STOP = 10.0
"""Seconds after that until the supervisor, which kills them, is killed too."""

LINES = 20
"""Last lines of a server's log in the error message."""


@dataclass(slots=True)
class _Server:
    """One running command."""

    url: str
    process: asyncio.subprocess.Process
    log: Path


class LocalServers:
    """The replicas of one command. `key` is the API key that they require."""

    def __init__(self, command: str, replicas: int, key: str = "") -> None:
        try:
            self._command = shlex.split(command)
        except ValueError as error:
            raise ConfigError(f"generator.serve is not a command: {error}.") from None
        self._replicas, self._key = replicas, key
        register(key)
        self._running: list[_Server] = []
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def start(self, seconds: float) -> list[str]:
        """Return the addresses once all answer. Raises ConfigError with the end of the log where one does not."""
        self._folder = tempfile.TemporaryDirectory(prefix="pgen-serve-")
        try:
            for number in range(self._replicas):
                self._running.append(await self._launch(number, Path(self._folder.name)))
            await asyncio.gather(*(self._wait_until_ready(server, seconds) for server in self._running))
        except BaseException:
            await self.stop()
            raise
        return [server.url for server in self._running]

    async def stop(self) -> None:
        """End all servers with their child processes."""
        servers, self._running = self._running, []
        await asyncio.shield(asyncio.gather(*(_stop(server) for server in servers)))
        if self._folder:
            self._folder.cleanup()

    async def _launch(self, number: int, folder: Path) -> _Server:
        port = _free_port()
        command = [part.replace("{port}", str(port)) for part in self._command]
        log = folder / f"server-{number}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, str(Path(__file__).with_name("supervisor.py")), str(GRACE)),
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment(number),
                start_new_session=True,
            )
        return _Server(f"http://127.0.0.1:{port}/v1", process, log)

    def _environment(self, number: int) -> dict[str, str]:
        """Give each of several replicas a GPU: one in CUDA_VISIBLE_DEVICES, or the one with its number."""
        if self._replicas == 1:
            return dict(os.environ)
        allowed = [gpu.strip() for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu.strip()]
        if allowed and len(allowed) < self._replicas:
            raise ConfigError(
                f"generator.replicas is {self._replicas}, but CUDA_VISIBLE_DEVICES names {len(allowed)} GPUs; "
                "start no more servers than there are GPUs."
            )
        return {**os.environ, "CUDA_VISIBLE_DEVICES": allowed[number] if allowed else str(number)}

    async def _wait_until_ready(self, server: _Server, seconds: float) -> None:
        started = monotonic()
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        async with aclosing(Transport(headers, timeout=10)) as transport:
            while True:
                with suppress(TransientError, RejectedError):
                    response = await transport.send(f"{server.url}/models")
                    if response.status < 500:  # preflight checks the response
                        return
                if server.process.returncode is not None:
                    what = f"ended with exit code {server.process.returncode}"
                    raise ConfigError(f"the server that generator.serve starts {what}. {self._tail(server)}")
                if monotonic() - started > seconds:
                    what = f"did not answer within {seconds:g} s (generator.serve_timeout)"
                    raise ConfigError(f"the server that generator.serve starts {what}. {self._tail(server)}")
                await asyncio.sleep(POLL)

    def _tail(self, server: _Server) -> str:
        with server.log.open("rb") as file:
            start = max(0, server.log.stat().st_size - 16384)
            file.seek(start)
            lines = file.read().decode("utf-8", "replace").splitlines()[start > 0 :]  # the first may be incomplete
        text = "\n".join(clipped(line, 500) for line in lines[-LINES:])
        return f"Its log ends with:\n{text}" if text.strip() else "Its log is empty."


async def _stop(server: _Server) -> None:
    """Close the supervisor's input, upon which it ends the server within `GRACE`."""
    if server.process.stdin:
        server.process.stdin.close()
    try:
        await asyncio.wait_for(server.process.wait(), GRACE + STOP)
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(server.process.pid, 9)
        await server.process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
