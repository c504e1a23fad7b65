"""Ways to break pgen's promises on purpose; the suite has to detect each.

As a plugin of pytest (`-p fault_breakages`) it breaks what PGEN_BREAKAGE names, before any test module is imported.
"""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pgen.inference import parsing
from pgen.inference.pipeline import SampleRollouts
from pgen.inference.rollout import RolloutContext
from pgen.records import Dialogue
from pgen.run import signals as interrupts
from pgen.run.failure_limit import Budget
from pgen.run.results import RunResults
from pgen.safety import redaction as secrets
from pgen.safety.key_forms import Mask
from pgen.storage import journal_db, journal_metadata, journal_wal, unfinished, workspace
from pgen.storage.committer import Commits
from pgen.storage.journal import Journal
from pgen.storage.recovery import integrity, rebuild
from pgen.storage.unfinished import Leftover
from pgen.storage.workspace import Workspace
from pgen_lerobot.format import layout
from pgen_lerobot.write import carried_files, sink

type Patch = tuple[Any, str, Any]


def _nothing(*_: Any, **__: Any) -> None:
    return None


async def _count_first(self: Commits[Any], result: Any) -> Any:
    """A slot is released at once; its result is committed when a thousand of them are there."""
    self._next.results.append(result)
    if len(self._next.results) >= 1000:
        self._wake.set()
    return self._next


def _missing_in_order(self: RunResults) -> Iterator[Any]:
    """Samples that failed come before others that were never requested."""
    for _, samples in self._planned():
        yield from self._missing_of(samples)


async def _last_alone(self: RolloutContext, results: Any) -> None:
    """Of the dialogues of a moment only the last is recorded."""


def _whole_moment(self: SampleRollouts, item: Any, last: Any) -> Any:
    """What is left of a moment are all of its dialogues."""
    return item


def _any_run(journal: Path, run: object) -> bool:
    """A marker counts for the journal of any run."""
    return journal.exists()


def _always_shared(carry_over: Any) -> Any:
    """Share videos where copies are requested."""
    return lambda *args, **options: carry_over(*args, **{**options, "copy_videos": False})


async def _done_unsynced(self: Commits[Any]) -> None:
    """A result is done once it is committed."""
    while True:
        await self._committed.wait()
        self._committed.clear()
        self._settle(len(self._unsynced))


def _published_first(self: Workspace, summary: Any = None) -> None:
    """Delete the journal before the output exists."""
    self.journal.unlink()
    self.staging.rename(self.out)
    self._discard([])


def _staged_in_place(self: Workspace) -> Any:
    """Build the output under its final name."""
    return self.out


def _deleted(path: Any) -> Any:
    """Delete a damaged journal."""
    path.unlink()
    return path


@contextmanager
def _unlocked(path: Any, what: str) -> Iterator[Any]:
    yield SimpleNamespace(token="one", check=_nothing, remove=_nothing)


BREAKAGES: dict[str, Callable[[], list[Patch]]] = {
    "no fsync before the rename": lambda: [(workspace, "sync", _nothing)],
    "the journal is committed after the answer is counted": lambda: [(Commits, "store", _count_first)],
    "the lock is ignored": lambda: [(workspace, "lock", _unlocked)],
    "the journal is removed before the rename": lambda: [(Workspace, "publish", _published_first)],
    "the output is built in place": lambda: [(Workspace, "staging", property(_staged_in_place))],
    "damage is not looked for": lambda: [(journal_db, "problem", lambda path: "")],
    "a damaged journal is deleted": lambda: [(journal_db, "_set_aside", _deleted)],
    "answers are not kept after a signal": lambda: [
        (Commits, "flush", _nothing),
        (Journal, "add", _nothing),
    ],
    "paths are not checked": lambda: [(layout, "inside", lambda folder, relative, origin: folder / relative)],
    "what does not fit is taken": lambda: [(parsing, "_dialogue", _whatever_is_there)],
    "keys are not known by their value": lambda: [(secrets, "_mask", lambda values: Mask(frozenset()))],
    "a text is cut before it is redacted": lambda: [(secrets, "clipped", _cut_first)],
    "a pattern goes back over what it has read": lambda: [
        (secrets, "_FORMS", (re.compile(r"(-{1,60})token=\w+"), *secrets._FORMS[1:])),
    ],
    "a text of a server is not bounded": lambda: [(secrets, "BOUND", 1 << 19)],
    "the options are stored once": lambda: [(journal_metadata, "COPIES", journal_metadata.COPIES[:1])],
    "a damaged journal is not searched page by page": lambda: [(rebuild, "leaves", lambda path: iter(()))],
    "a journal of another format is set aside": lambda: [
        (integrity, "_other_format", lambda db, path: integrity.NO_JOURNAL)
    ],
    "the owner of the journal is not checked": lambda: [(Journal, "_check_owner", _nothing)],
    "an answer is done before it is on the disk": lambda: [(Commits, "_sync", _done_unsynced)],
    "files below meta are shared with the input": lambda: [(carried_files, "is_video", lambda name: True)],
    "videos are shared where copies are wanted": lambda: [(sink, "carry_over", _always_shared(sink.carry_over))],
    "the log of the journal is not synced": lambda: [(journal_wal, "sync", _nothing)],
    "the lock is not checked before the output is published": lambda: [(Workspace, "check_lock", _nothing)],
    "answers of another command are thrown away": lambda: [(Leftover, "check", _nothing)],
    "any file is taken for a journal": lambda: [(unfinished, "check_journal", _nothing)],
    "the marker of any run counts": lambda: [(unfinished, "owned_by", _any_run)],
    "SIGHUP is left to the system": lambda: [(interrupts, "SIGNALS", (signal.SIGINT, signal.SIGTERM))],
    "a run goes on however many of its first samples fail": lambda: [(Budget, "_nearly_all", False)],
    "of a moment only the last dialogue is recorded": lambda: [(RolloutContext, "record_all", _last_alone)],
    "a moment of which a part was recorded is requested as a whole": lambda: [
        (SampleRollouts, "remaining", _whole_moment)
    ],
    "what failed is asked about in its place": lambda: [(RunResults, "missing", _missing_in_order)],
}


def _cut_first(text: str, limit: int) -> str:
    """Cut first, so that an unrecognized part of a key may be left."""
    return secrets.redact(text[:limit])


def _whatever_is_there(objects: Any, check: Any, text: str) -> Any:
    """Accept any value, whether or not it fits."""
    merged = {key: value for item in objects for key, value in item.items()}
    return Dialogue(merged.get("user_prompt", ""), merged.get("robot_utterance", ""), None, None)


def pytest_configure(config: pytest.Config) -> None:
    """Enable the breakage; an empty name breaks nothing."""
    name = os.environ["PGEN_BREAKAGE"]
    for owner, attribute, broken in BREAKAGES[name]() if name else ():
        setattr(owner, attribute, broken)
