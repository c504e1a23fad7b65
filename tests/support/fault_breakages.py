"""Deliberate breakages of pgen's promises; the suite must detect each."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
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


async def _count_first(self: Commits[Any], *results: Any) -> Any:
    """Release a slot at once, and commit results in groups of a thousand."""
    self._next.results += results
    if len(self._next.results) >= 1000:
        self._wake.set()
    return self._next


def _missing_in_order(self: RunResults) -> Iterator[Any]:
    """Yield samples in their order, so that failed ones precede others that were never requested."""
    for _, samples in self._planned():
        yield from self._missing_of(samples)


async def _record_last_only(self: RolloutContext, results: Any) -> None:
    """Record only the last of the dialogues of a moment."""


def _whole_moment(self: SampleRollouts, item: Any, last: Any) -> Any:
    """Return all dialogues of a moment as remaining."""
    return item


def _any_run(journal: Path, run: object) -> bool:
    """Accept a marker for the journal of any run."""
    return journal.exists()


def _always_shared(carry_over: Any) -> Any:
    """Share videos where copies are requested."""
    return lambda *args, **options: carry_over(*args, **{**options, "copy_videos": False})


async def _done_unsynced(self: Commits[Any]) -> None:
    """Report a result once it is committed."""
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
    "a result counts before its commit": lambda: [(Commits, "store", _count_first)],
    "the lock is ignored": lambda: [(workspace, "lock", _unlocked)],
    "the journal is removed before the rename": lambda: [(Workspace, "publish", _published_first)],
    "the output is built in place": lambda: [(Workspace, "staging", property(_staged_in_place))],
    "damage is not checked": lambda: [(journal_db, "problem", lambda path: "")],
    "a damaged journal is deleted": lambda: [(journal_db, "set_aside", _deleted)],
    "results are not stored after a signal": lambda: [
        (Commits, "flush", _nothing),
        (Journal, "add", _nothing),
    ],
    "paths are not checked": lambda: [(layout, "inside", lambda folder, relative, origin: folder / relative)],
    "an invalid reply is accepted": lambda: [(parsing, "_dialogue", _accept_anything)],
    "keys are not recognized by their value": lambda: [(secrets, "_mask", lambda values: Mask(frozenset()))],
    "a text is truncated before it is redacted": lambda: [(secrets, "clipped", _truncate_first)],
    "a pattern backtracks": lambda: [
        (secrets, "_FORMS", (re.compile(r"(-{1,60})token=\w+"), *secrets._FORMS[1:])),
    ],
    "a text of a server is not bounded": lambda: [(secrets, "BOUND", 1 << 17)],
    "the options are stored once": lambda: [(journal_metadata, "COPIES", journal_metadata.COPIES[:1])],
    "a damaged journal is not searched page by page": lambda: [(rebuild, "leaves", lambda path: iter(()))],
    "a journal of another format is set aside": lambda: [
        (integrity, "_other_format", lambda db, path: integrity.NO_JOURNAL)
    ],
    "the owner of the journal is not checked": lambda: [(Journal, "_check_owner", _nothing)],
    "a result is reported before it is on the disk": lambda: [(Commits, "_sync", _done_unsynced)],
    "files below meta are shared with the input": lambda: [(carried_files, "is_video", lambda name: True)],
    "videos are shared although copies are requested": lambda: [(sink, "carry_over", _always_shared(sink.carry_over))],
    "the WAL of the journal is not synced": lambda: [(journal_wal, "sync", _nothing)],
    "the lock is not checked before the output is published": lambda: [(Workspace, "check_lock", _nothing)],
    "results of another command are discarded": lambda: [(Leftover, "check", _nothing)],
    "any file is accepted as a journal": lambda: [(unfinished, "check_journal", _nothing)],
    "the marker of any run counts": lambda: [(unfinished, "owned_by", _any_run)],
    "SIGHUP is left to the system": lambda: [(interrupts, "SIGNALS", (signal.SIGINT, signal.SIGTERM))],
    "a run continues however many of its first samples fail": lambda: [(Budget, "_nearly_all", False)],
    "only the last dialogue of a moment is recorded": lambda: [(RolloutContext, "record_all", _record_last_only)],
    "a partly recorded moment is requested completely": lambda: [(SampleRollouts, "remaining", _whole_moment)],
    "failed samples are requested before missing ones": lambda: [(RunResults, "missing", _missing_in_order)],
}


def _truncate_first(text: str, limit: int) -> str:
    """Truncate first, so that an unrecognized part of a key may remain."""
    return secrets.redact(text[:limit])


def _accept_anything(objects: Any, check: Any, text: str) -> Any:
    """Accept any value, whether or not it fits the schema."""
    merged = {key: value for item in objects for key, value in item.items()}
    return Dialogue(merged.get("user_prompt", ""), merged.get("robot_utterance", ""), None, None)


def run_broken(breakage: str, arguments: Sequence[str], log: Path) -> None:
    """Run pytest in this process, which ends with its exit code; an empty name breaks nothing.

    The breakage is enabled before any test module is imported.
    """
    for number in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), number)
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    for owner, attribute, broken in BREAKAGES[breakage]() if breakage else ():
        setattr(owner, attribute, broken)
    code = pytest.main(list(arguments))
    sys.stdout.flush()
    os._exit(code)
