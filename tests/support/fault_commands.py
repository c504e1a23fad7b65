"""Commands as a user enters them, each in a process of its own that may be killed at a step.

The generator `fake` answers every request of `annotate` and `segment`, and logs it in a file.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
from fault_points import kill

from pgen.cli import cli
from pgen.records import Request
from pgen.registry import Registry
from pgen.storage import in_place as switching
from pgen.storage import unfinished
from pgen.storage.unfinished import unfinished_in
from pgen.storage.workspace import Workspace
from pgen.testing import FakeGenerator, plain_answer

SPANS = [{"name": "reach for the cup", "start": 0, "end": 3.0}, {"name": "lift the cup", "start": 3.0, "end": 5.0}]
_REPLIES = {"description": "The arm moves.", "skills": SPANS, "name": "do it", "names": ["do it"]}


@dataclass(frozen=True, slots=True)
class Command:
    """Arguments of `pgen`, the log of requests, and the step at which the process is killed, at its n-th time.

    At the step `asking`, `times` counts requests, and a result must be stored. The log is beside the command's folder.
    """

    arguments: tuple[str, ...]
    log: Path
    step: str = ""
    times: int = 1


class Fake(FakeGenerator):
    """Responds after a delay, so that results are stored while other requests are in flight."""

    name = "fake"
    log: Path
    after: int | None = None
    request_count = 0

    def __init__(self) -> None:
        super().__init__(reply)

    async def generate(self, request: Request) -> Any:
        cls = type(self)
        cls.request_count += 1
        key = blake2b(repr((request.prompt, request.sample)).encode()).hexdigest()
        with cls.log.open("a") as file:
            file.write(f"{key}\n")
        if cls.after and cls.request_count >= cls.after and any(unfinished_in(cls.log.with_suffix(""))):
            kill("asking")
        await asyncio.sleep(0.01)
        return await super().generate(request)


def reply(request: Request) -> Any:
    """Return a reply that fits the schema of a request."""
    name = next(iter(request.prompt.schema["properties"]))
    return json.dumps({name: _REPLIES[name]}) if name in _REPLIES else plain_answer(request)


class _KillPoint:
    """Kills the process before a call of a function of pgen."""

    def __init__(self, command: Command) -> None:
        self._command, self._calls = command, 0

    def _count(self) -> None:
        self._calls += 1
        if self._calls == self._command.times:
            kill(self._command.step)

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            self._count()
            return real(*args, **kwargs)

        return function

    @contextmanager
    def installed(self) -> Iterator[None]:
        owners = {
            "built": [(Workspace, "publish"), (switching.InPlace, "publish")],
            "before the rename": [(Path, "rename")],
            "between the renames": [(Path, "replace")],
            "after the rename": [(unfinished, "remove_journal"), (switching, "remove_journal")],
        }
        with ExitStack() as stack:
            for owner, name in owners.get(self._command.step, ()):
                stack.enter_context(patch.object(owner, name, self._chosen(owner, name)))
            yield

    def _chosen(self, owner: Any, name: str) -> Callable[..., Any]:
        real = getattr(owner, name)
        wrapped = self.wrap(real)
        if owner is not Path:
            return wrapped
        # Only renames that make an output visible: other files are renamed too.
        return lambda path, target: wrapped(path, target) if "staging-" in str(path) else real(path, target)


def run(command: Command) -> None:
    """Execute the command in this process."""
    os.dup2(os.open(command.log.with_suffix(".errors"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), 2)
    os.dup2(2, 1)
    Fake.log = command.log
    Fake.after = command.times if command.step == "asking" else None
    find = Registry.find

    def find_generator(self: Registry, kind: str, name: str) -> Any:
        return Fake if (kind, name) == ("generator", "fake") else find(self, kind, name)

    with patch.object(Registry, "find", find_generator), _KillPoint(command).installed():
        try:
            code = cli.main(list(command.arguments), standalone_mode=False)
        except click.exceptions.Exit as error:
            code = error.exit_code
        except click.ClickException as error:
            error.show()
            code = error.exit_code
    sys.stdout.flush()
    os._exit(code or 0)
