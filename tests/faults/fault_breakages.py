"""Ten ways to break pgen's promises on purpose: the suite has to see each."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from pgen import journal_file, parsing, workspace
from pgen.commits import Commits
from pgen.journal import Journal
from pgen.records import Dialogue
from pgen.workspace import Workspace
from pgen_lerobot import dataset

type Patch = tuple[Any, str, Any]


def _nothing(*_: Any, **__: Any) -> None:
    return None


async def _count_first(self: Commits[Any], result: Any) -> Any:
    """A slot is released at once; its answer is committed when a hundred of them are there."""
    self._next.results.append(result)
    if len(self._next.results) >= 100:
        self._wake.set()
    return self._next


def _published_first(self: Workspace, told: Any = None) -> None:
    """The journal is gone before the output is there."""
    self.journal.unlink()
    self.staging.rename(self.out)
    self.discard()


def _staged_in_place(self: Workspace) -> Any:
    """The output is built under its final name."""
    self.staging = self.out
    self.out.mkdir(exist_ok=True)
    return self.out


def _deleted(path: Any) -> Any:
    """A damaged journal is removed."""
    path.unlink()
    return path


@contextmanager
def _unlocked(path: Any, what: str) -> Iterator[None]:
    yield


BREAKAGES: dict[str, Callable[[], list[Patch]]] = {
    "no fsync before the rename": lambda: [(workspace, "sync", _nothing)],
    "the journal is committed after the answer is counted": lambda: [(Commits, "store", _count_first)],
    "the lock is ignored": lambda: [(workspace, "lock", _unlocked)],
    "the journal is removed before the rename": lambda: [(Workspace, "publish", _published_first)],
    "the output is built in place": lambda: [(Workspace, "stage", _staged_in_place)],
    "damage is not looked for": lambda: [(journal_file, "problem", lambda path: "")],
    "a damaged journal is deleted": lambda: [(journal_file, "_set_aside", _deleted)],
    "answers are not kept after a signal": lambda: [
        (Commits, "flush", _nothing),
        (Journal, "add", _nothing),
    ],
    "paths are not checked": lambda: [(dataset, "inside", lambda folder, relative, origin: folder / relative)],
    "what does not fit is taken": lambda: [(parsing, "_fitting", _whatever_is_there)],
}


def _whatever_is_there(objects: Any, check: Any, text: str) -> Any:
    """Whatever is there is taken, fitting or not."""
    merged = {key: value for found in objects for key, value in found.items()}
    return Dialogue(merged.get("user_prompt", ""), merged.get("robot_utterance", ""), None, None)


@contextmanager
def turned_on(name: str) -> Iterator[None]:
    """Break it that way; nothing where no name is given."""
    with ExitStack() as stack:
        for owner, attribute, broken in BREAKAGES[name]() if name else ():
            stack.enter_context(patch.object(owner, attribute, broken))
        yield
