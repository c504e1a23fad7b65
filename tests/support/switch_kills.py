"""Kills a process at each step of a publication in place, recovers the folder, and prints its state.

Run as a script: a step is a file operation that Python reports to its audit hooks, in a child of this process.
"""

import json
import os
import signal
import sys
from itertools import count
from pathlib import Path

from pgen.storage.in_place import InPlace

COMMAND = "annotate --in-place"
STEPS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "shutil.rmtree"}
OLD = {"a": "old a", "meta/b": "old b", "meta/c": "kept", "videos/d": "film"}
NEW = OLD | {"a": "new a", "meta/b": "new b", "meta/deep/e": "new e"}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def read(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def publish(target: InPlace) -> None:
    with target.locked():
        write(target.stage(), {name: text for name, text in NEW.items() if name != "videos/d"})
        (target.staging / "videos").mkdir()
        os.link(target.out / "videos/d", target.staging / "videos/d")
        target.publish({"summary": "all"})


def killed_at(step: int, target: InPlace) -> bool:
    """Return whether the process was killed at its n-th step, counted from 1, or ended before."""
    child = os.fork()
    if child == 0:
        steps = count(1)

        def hook(event: str, _: object) -> None:
            if event in STEPS and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(hook)
        publish(target)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise SystemExit("the publication failed")
    return os.WIFSIGNALED(status)


def main(base: Path) -> None:
    outcomes = []
    for step in count(1):
        folder = base / str(step) / "data set"
        write(folder, OLD)
        killed = killed_at(step, InPlace(folder, COMMAND))
        recovered = InPlace(folder, COMMAND).recover()
        InPlace(folder, COMMAND).check()
        state = {json.dumps(OLD, sort_keys=True): "old", json.dumps(NEW, sort_keys=True): "new"}
        outcomes.append((state.get(json.dumps(read(folder), sort_keys=True), "a mixture"), recovered))
        if not killed:
            break
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
