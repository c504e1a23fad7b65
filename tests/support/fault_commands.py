"""Commands as a user types them, each in a process of its own that may be killed at a place in the code.

The generator `fake` answers every question of `annotate` and `segment`, and says in a file what it is asked.
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
_OTHERS = {"description": "The arm moves.", "skills": SPANS, "name": "do it", "names": ["do it"]}


@dataclass(frozen=True, slots=True)
class Command:
    """Arguments of `pgen`, where the process says what it asks, and where it is killed: at which place, how often
    passed, and after how many questions, once an answer is stored. The log stands beside the folder of the command."""

    arguments: tuple[str, ...]
    log: Path
    place: str = ""
    times: int = 1


class Fake(FakeGenerator):
    """Answers after a moment, so that answers are stored while others are in flight."""

    name = "fake"
    log: Path
    after: int | None = None
    asked = 0

    def __init__(self) -> None:
        super().__init__(answer)

    async def generate(self, request: Request) -> Any:
        cls = type(self)
        cls.asked += 1
        key = blake2b(repr((request.prompt, request.sample)).encode()).hexdigest()
        with cls.log.open("a") as file:
            file.write(f"asked {key}\n")
        if cls.after and cls.asked >= cls.after and any(unfinished_in(cls.log.with_suffix(""))):
            kill("asking")
        await asyncio.sleep(0.01)
        return await super().generate(request)


def answer(request: Request) -> Any:
    """What the question's schema asks for."""
    name = next(iter(request.prompt.schema["properties"]))
    return json.dumps({name: _OTHERS[name]}) if name in _OTHERS else plain_answer(request)


class _Places:
    """Kills at a place: a function of pgen's, before or after it is called."""

    def __init__(self, command: Command) -> None:
        self._command, self._passed = command, 0

    def _pass(self) -> None:
        self._passed += 1
        if self._passed == self._command.times:
            kill(self._command.place)

    def wrap(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            self._pass()
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
            for owner, name in owners.get(self._command.place, ()):
                stack.enter_context(patch.object(owner, name, self._chosen(owner, name)))
            yield

    def _chosen(self, owner: Any, name: str) -> Callable[..., Any]:
        real = getattr(owner, name)
        wrapped = self.wrap(real)
        if owner is not Path:
            return wrapped
        # Only what makes an output visible: other files are renamed too.
        return lambda path, target: wrapped(path, target) if "staging-" in str(path) else real(path, target)


def run(command: Command) -> None:
    """The command, in this process."""
    os.dup2(os.open(command.log.with_suffix(".errors"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), 2)
    os.dup2(2, 1)
    Fake.log = command.log
    Fake.after = command.times if command.place == "asking" else None
    find = Registry.find

    def found(self: Registry, kind: str, name: str) -> Any:
        return Fake if (kind, name) == ("generator", "fake") else find(self, kind, name)

    with patch.object(Registry, "find", found), _Places(command).installed():
        try:
            code = cli.main(list(command.arguments), standalone_mode=False)
        except click.exceptions.Exit as error:
            code = error.exit_code
        except click.ClickException as error:
            error.show()
            code = error.exit_code
    sys.stdout.flush()
    os._exit(code or 0)
