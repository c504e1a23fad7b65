"""Kills a process that reviews after each of its commits and before its answer, and continues in another one.

Run as a script with a folder that holds the dataset `run`, and the number of kills; or with `rebase`, to kill one that
carries a review over. Every process is a fork of this one, which has opened nothing. Like the browser, a process sends
again what was not acknowledged.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from switch_kills import STEPS

from pgen.errors import ConfigError
from pgen_review.event_file import read
from pgen_review.events import REDO, UNDO
from pgen_review.rebasing import rebase_review
from pgen_review.session import Session
from pgen_review.starting import open_session

type Request = dict[str, Any]

KINDS: dict[str, Request] = {
    "accept": {},
    "reject": {"reason": "wrong"},
    "edit_text": {"user": "Grab it!", "robot": "Yes."},
    "note": {"text": "look again"},
    "flag": {"on": True},
}
DIALOGUES = 6
EVENLY, LAST = 3, 14
"""Kills over the whole of a rebase, and at each of its last steps."""


def request_of(session: Session, rng: Random, number: int) -> Request:
    """Return what a person sends: events of one or two dialogues, an undo or a redo."""
    turns = {UNDO: session.fold.undoable, REDO: session.fold.redoable}
    kind = rng.choice([*KINDS, *(name for name, stack in turns.items() if stack)])
    if kind in turns:
        return {"turn": kind, "n": turns[kind][-1], "id": f"turn-{number:05}"}
    keys = rng.sample(session.review.keys[:DIALOGUES], rng.choice([1, 2]))
    events = [
        {"id": f"event-{number:05}-{place}", "key": list(key), "base": session.fold.number(key), "kind": kind}
        for place, key in enumerate(keys)
    ]
    return {"events": [{**event, **KINDS[kind]} for event in events]}


def ids_of(request: Request) -> list[str]:
    return [request["id"]] if "turn" in request else [event["id"] for event in request["events"]]


def send(session: Session, request: Request) -> None:
    assert session.header
    body = {"journal": session.header.journal, **request}
    if "turn" in request:
        session.turn(request["turn"], body)
    else:
        session.store(body)


def check(session: Session, sent: list[Request]) -> None:
    """Check that every request was stored once, in its order."""
    ids = [event.id for event in session.fold.events]
    assert ids == [name for request in sent for name in ids_of(request)], ids


def forked(work: Callable[[], object], hook: Callable[[str, Any], None]) -> bool:
    """Do something in a child, with an audit hook; return whether it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            sys.addaudithook(hook)
            work()
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a process failed")
    return os.WIFSIGNALED(status)


def sent_to(folder: Path) -> list[Request]:
    path = folder.with_name("sent")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def killed_after_commit(folder: Path, number: int) -> bool:
    """Send what a killed process was sent, and something new; end before the answer to that."""
    is_sent = []

    def hook(event: str, arguments: Any) -> None:
        # Every other process ends between the two files of an event, the rest when both are on the disk.
        opens = event == "open" and str(arguments[0]).endswith("review.jsonl") and arguments[2] & os.O_APPEND
        if is_sent and number % 2 and opens:
            os.kill(os.getpid(), signal.SIGKILL)

    def work() -> None:
        sent = sent_to(folder)
        with open_session(folder, None, "Ada") as session:
            check(session, sent)
            if sent:
                send(session, sent[-1])
                check(session, sent)
            request = request_of(session, Random(number), number)
            with folder.with_name("sent").open("a") as file:
                file.write(json.dumps(request) + "\n")
            is_sent.append(True)
            send(session, request)
            os.kill(os.getpid(), signal.SIGKILL)

    return forked(work, hook)


def result(session: Session) -> Any:
    events = [event.as_json() | {"at": ""} for event in session.fold.events]
    states = [{**state, "at": ""} for state in session.since(0)["states"]]
    return events, states, session.summary()["undo"], session.summary()["redo"]


def commits(base: Path, kills: int) -> None:
    """Compare the review of many killed processes with that of one that lived."""
    folder, other = base / "run", base / "whole/run"
    shutil.copytree(folder, other)
    assert all(killed_after_commit(folder, number) for number in range(kills))
    sent = sent_to(folder)
    with open_session(folder, None, "Ada") as session:
        check(session, sent)
        found = result(session)
    with open_session(other, None, "Ada") as session:
        for request in sent:
            send(session, request)
        assert result(session) == found
    print(json.dumps(len(sent)))


def review(folder: Path) -> None:
    with open_session(folder, None, "Ada") as session:
        for number in range(8):
            send(session, request_of(session, Random(number), number))
    lines = folder / "meta/syn_annotations.jsonl"
    lines.write_text(lines.read_text().replace('"robot_utterance": "', '"robot_utterance": "Well, ', 2))


def state_of(folder: Path, former: list[str]) -> tuple[str, Any]:
    """Return whether the review is the former one or the new one, and the states of the latter."""
    kept = [read(path)[1] for path in folder.with_name(".run.pgen").glob("review-*.jsonl")]
    assert all([event.id for event in events] == former for events in kept)
    with suppress(ConfigError), open_session(folder, None, "Eve") as session:
        assert len(kept) == 1
        return "new", [{**state, "at": ""} for state in session.since(0)["states"]]
    return "former", None


def rebases(base: Path) -> None:
    start = base / "reviewed"
    shutil.copytree(base / "run", start / "run")
    forked(lambda: review(start / "run"), lambda *_: None)
    former = [event.id for event in read(start / ".run.pgen/review.jsonl")[1]]

    def rebased(folder: Path, kill: int) -> bool:
        steps = count(1)

        def hook(event: str, _: Any) -> None:
            if event in STEPS and next(steps) == kill:
                os.kill(os.getpid(), signal.SIGKILL)

        def work() -> None:
            rebase_review(folder, None, "Eve")
            (base / "steps").write_text(str(next(steps)))

        return forked(work, hook)

    def copy(name: str) -> Path:
        return Path(shutil.copytree(start, base / name)) / "run"

    whole = copy("whole")
    rebased(whole, 0)
    total = int((base / "steps").read_text())
    kills = sorted({*range(1, total, total // EVENLY), *range(total - LAST, total)})
    outcomes = []
    for kill in kills:
        folder = copy(str(kill))
        killed = rebased(folder, kill)

        def report(folder: Path = folder) -> None:
            (base / "state").write_text(json.dumps(state_of(folder, former)))

        forked(report, lambda *_: None)
        state, _ = json.loads((base / "state").read_text())
        rebased(folder, 0)
        forked(report, lambda *_: None)
        outcomes.append((killed, state, json.loads((base / "state").read_text())))
        shutil.rmtree(folder.parent)
    print(json.dumps([(killed, state, after == outcomes[-1][2]) for killed, state, after in outcomes]))


if __name__ == "__main__":
    if sys.argv[2] == "rebase":
        rebases(Path(sys.argv[1]))
    else:
        commits(Path(sys.argv[1]), int(sys.argv[2]))
