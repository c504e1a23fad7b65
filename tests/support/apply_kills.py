"""Kills a process at steps of `pgen review --apply`, starts it again, and prints what the dataset was in between.

Run as a script with a folder that holds the dataset `run`, and `copy` to write a new dataset. Every process is a fork
of this one, which has opened nothing; a step is a file operation that Python reports to its audit hooks.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from itertools import count
from pathlib import Path
from uuid import uuid4

from switch_kills import STEPS

from pgen.errors import ConfigError
from pgen_lerobot.verify import verify
from pgen_review import write_back
from pgen_review.apply import new_dataset
from pgen_review.starting import open_session

EVENLY, LAST, EVERY = 6, 200, 8
"""Kills over the whole write, and at every eighth of its last steps, which replace the files."""
EVENLY_NEW, PUBLISHED = 3, 14
"""The same for a write to a new folder: its last steps are those around the rename that makes it appear."""


def contents(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in paths}


def review(folder: Path) -> None:
    """Reject a dialogue, and edit another one."""
    with open_session(folder, None, "Ada") as session:
        first, second = (list(key) for key in session.review.keys[:2])
        texts = {"user": "Go!", "robot": "Yes."}
        events = [{"id": str(uuid4()), "base": 0, "key": first, "kind": "reject", "reason": "wrong"}]
        events += [{"id": str(uuid4()), "base": 0, "key": second, "kind": "edit_text", **texts}]
        assert session.journal
        session.store({"journal": session.journal.header.journal, "events": events})


def write(folder: Path) -> None:
    with open_session(folder, None, "Ada") as session:
        assert session.journal
        assert len(session.fold.events) == 2
        write_back.write(session, session.journal, lambda step: None)


def write_new(folder: Path) -> None:
    """Write a new dataset beside, unless it is there."""
    with open_session(folder, None, "Ada") as session:
        assert session.journal
        workspace = new_dataset(folder, folder.with_name("new"))
        write_back.copy(session, session.journal, workspace, copy_videos=False)


def write_new_again(folder: Path) -> None:
    with suppress(ConfigError):
        write_new(folder)
    assert verify(folder.with_name("new"), with_lerobot=False).ok
    assert not folder.with_name(".new.pgen").exists()


def verified(folder: Path) -> None:
    write(folder)
    assert verify(folder, with_lerobot=False).ok


def forked(work: Callable[[Path], None], folder: Path, kill: int = 0) -> bool:
    """Do something in a child, which is killed at a step; return whether it was."""
    child = os.fork()
    if child == 0:
        steps = count(1)

        def hook(event: str, _: object) -> None:
            if event in STEPS and next(steps) == kill:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        code = 1
        try:
            work(folder)
            (folder.parent / "steps").write_text(str(next(steps)))
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"{work.__name__} failed")
    return os.WIFSIGNALED(status)


def copy(base: Path, name: str) -> Path:
    """Return a copy of the dataset with its journal."""
    folder = base / name
    shutil.copytree(base / "reviewed/.run.pgen", folder / ".run.pgen")
    return Path(shutil.copytree(base / "reviewed/run", folder / "run"))


def started(base: Path) -> Path:
    start = base / "reviewed/run"
    shutil.copytree(base / "run", start)
    forked(review, start)
    return start


def main(base: Path) -> None:
    start = started(base)
    written = copy(base, "written")
    forked(write, written)
    states = {json.dumps(contents(start)): "old", json.dumps(contents(written)): "new"}
    total = int((base / "written/steps").read_text())
    kills = sorted({*range(1, total, total // EVENLY), *range(total - LAST, total, EVERY)})
    outcomes = []
    for kill in kills:
        folder = copy(base, str(kill))
        killed = forked(write, folder, kill)
        pending = (folder.parent / ".run.pgen/switch.json").exists()
        state = states.get(json.dumps(contents(folder)), "a mixture")
        forked(verified, folder)
        after = states.get(json.dumps(contents(folder)), "a mixture")
        outcomes.append((killed, "pending" if pending else state, after))
        shutil.rmtree(folder.parent)
    print(json.dumps(outcomes))


def main_copy(base: Path) -> None:
    start = started(base)
    written = copy(base, "written")
    forked(write_new, written)
    old, new = contents(start), contents(written.with_name("new"))
    total = int((base / "written/steps").read_text())
    kills = sorted({*range(1, total, total // EVENLY_NEW), *range(total - PUBLISHED, total)})
    outcomes = []
    for kill in kills:
        folder = copy(base, str(kill))
        killed = forked(write_new, folder, kill)
        made = folder.with_name("new")
        state = "new" if made.exists() and contents(made) == new else "a mixture" if made.exists() else "none"
        forked(write_new_again, folder)
        outcomes.append((killed, state, contents(made) == new and contents(folder) == old))
        shutil.rmtree(folder.parent)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    (main_copy if sys.argv[2:] == ["copy"] else main)(Path(sys.argv[1]))
