"""Processes that race for one lock, on file systems with and without locks."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

RACE = Path(__file__).parents[1] / "support" / "lock_race.py"


def race(tmp_path, attempts, *arguments):
    """Race for a lock in eight processes; return the lines of their common log."""
    log = tmp_path / "log"
    command = [sys.executable, str(RACE), str(tmp_path / "place"), str(log), str(attempts // 8), *arguments]
    racers = [subprocess.Popen(command) for _ in range(8)]
    assert [racer.wait() for racer in racers] == [0] * 8
    return log.read_text().splitlines()


@pytest.mark.parametrize("system", ["locks", "no locks"])
def test_of_racing_processes_no_two_hold_the_lock(tmp_path, system, tally):
    holders, counts = set(), Counter()
    for line in race(tmp_path, 400, system):
        word, _, token = line.partition(" ")
        counts[word] += 1
        if word == "entered":
            assert not holders, "two hold the lock"
            holders.add(token)
        elif word == "left":
            holders.remove(token)
    assert counts["entered"] + counts["refused"] == 400
    assert counts["entered"] == counts["left"] > 8
    assert not counts["lost"]
    assert not list((tmp_path / "place").iterdir())
    tally.add("racing for a lock, with and without the system's locks", 400)
