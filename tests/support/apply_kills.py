"""Kills a process at steps of `pgen review --apply`, starts it again, and prints what the dataset was in between.

Run as a script with a folder that holds the dataset `run`. Every process is a fork of this one, which has opened
nothing; a step is a file operation that Python reports to its audit hooks.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path
from uuid import uuid4

from switch_kills import STEPS

from pgen_lerobot.verify import verify
from pgen_review import write_back
from pgen_review.starting import open_session

EVENLY, LAST, EVERY = 6, 200, 8
"""Kills over the whole write, and at every eighth of its last steps, which replace the files."""


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


def main(base: Path) -> None:
    start = base / "reviewed/run"
    shutil.copytree(base / "run", start)
    forked(review, start)
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


if __name__ == "__main__":
    main(Path(sys.argv[1]))
