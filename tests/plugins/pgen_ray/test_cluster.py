"""Runs that are stopped from outside: they end in order, leave no process behind, and go on from there."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from hanging import HANG
from ray_runs import Logged, annotate, asked, lines

pytestmark = pytest.mark.long

SCRIPT = Path(__file__).parents[2] / "support" / "ray_process.py"
MARK = "PGEN_TEST_RUN"
ALL = 6 * 24


def started(folder, *address):
    """A run in a session of its own; its processes are known by a mark in their environment."""
    environment = {**os.environ, MARK: str(folder), "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, SCRIPT, folder / "out", folder / "log", *address]
    process = subprocess.Popen(
        command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    log = folder / "log"
    while process.poll() is None and not (log.exists() and asked(log).total() >= 20):
        time.sleep(0.05)
    assert process.poll() is None, process.stderr.read()
    return process


def marked(folder):
    """The processes that were started for a run and are alive, by their number, with their name."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_text()
        except OSError:
            continue
    return found


def left(folder, besides=()):
    """Those of them that do not end."""
    until = time.monotonic() + HANG
    while found := {number: name for number, name in marked(folder).items() if not name.startswith(besides)}:
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    return found


def stored(folder):
    with closing(sqlite3.connect(folder / ".out.pgen/journal.sqlite")) as db:
        return db.execute("SELECT count(*) FROM samples").fetchone()[0]


def resumed(folder):
    """The samples that the next run asks about, and its lines."""
    log = folder / "log2"
    annotate(folder / "out", Logged(log=log), "local")
    assert len(lines(folder / "out")) == ALL
    return asked(log)


def test_a_run_that_is_killed_leaves_no_process_and_loses_no_answer(tmp_path, cluster):
    process = started(tmp_path)
    process.kill()
    process.communicate()
    agents = "ray::DashboardAgent", "ray::RuntimeEnvAgent"  # they end by themselves, but take a minute for it
    assert left(tmp_path, besides=agents) == {}
    for agent in marked(tmp_path):
        os.kill(agent, signal.SIGKILL)
    before = stored(tmp_path)
    assert before > 0
    assert asked(tmp_path / "log").total() - before <= 2 * 2  # what two workers have in flight
    assert resumed(tmp_path).total() == ALL - before


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_what_is_in_flight_finish_and_no_process_stays(tmp_path, cluster, number, code):
    joins = number == signal.SIGTERM
    process = started(tmp_path, *([cluster.address] if joins else []))
    if joins:
        process.send_signal(number)
    else:  # as a terminal does, to every process of the group
        os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=HANG)
    assert process.returncode == code, errors
    assert "the same command resumes from here" in errors
    assert left(tmp_path) == {}
    before = asked(tmp_path / "log")
    assert stored(tmp_path) == before.total()
    assert resumed(tmp_path).keys().isdisjoint(before)
