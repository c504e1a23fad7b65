import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from pgen import locking
from pgen.errors import ConfigError
from pgen.locking import Holder, lock


@pytest.fixture
def no_system_locks(monkeypatch):
    """A file system that has no locks."""

    def refuse(*_):
        raise OSError(locking.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locking.fcntl, "flock", refuse)


def left_by(path, holder, seconds_ago=0.0):
    """The lock file as `holder` leaves it when it is killed, or while it runs."""
    path.write_text(json.dumps(asdict(holder)))
    then = path.stat().st_mtime - seconds_ago
    os.utime(path, (then, then))


def test_a_lock_is_held_by_one_and_names_it(tmp_path):
    told = rf"the output is being written by another run \(process {os.getpid()} on {os.uname().nodename}, since 20"
    with lock(tmp_path / "lock", "the output"), pytest.raises(ConfigError, match=told):
        locking._taken(tmp_path / "lock", "the output")
    with lock(tmp_path / "lock", "the output"):
        pass


def test_a_lock_that_was_removed_by_its_holder_is_no_lock(tmp_path, monkeypatch):
    """Between the opening of the file and the locking of it."""
    path, real, seen = tmp_path / "lock", locking._flock, []

    def removed_meanwhile(file):
        if not seen:
            path.unlink()
        seen.append(file)
        return real(file)

    monkeypatch.setattr(locking, "_flock", removed_meanwhile)
    with lock(path, "it"):
        assert path.exists()
        with pytest.raises(ConfigError), lock(path, "it"):
            pass


@pytest.mark.usefixtures("no_system_locks")
def test_without_system_locks_the_record_of_a_process_that_runs_counts(tmp_path):
    with lock(tmp_path / "lock", "it"), pytest.raises(ConfigError, match=f"process {os.getpid()}"):
        locking._taken(tmp_path / "lock", "it")


@pytest.mark.usefixtures("no_system_locks")
def test_without_system_locks_a_dead_process_and_a_reused_number_hold_nothing(tmp_path):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    for holder in (Holder(pid=int(ended.stdout)), replace(Holder(), process="1")):
        left_by(tmp_path / "lock", holder)
        with lock(tmp_path / "lock", "it"):
            pass


def test_a_holder_on_another_host_counts_until_it_has_been_silent_for_long(tmp_path):
    """The system gives the lock: the file system keeps locks for each host alone."""
    other = Holder(host="elsewhere", pid=1)
    left_by(tmp_path / "lock", other, seconds_ago=5)
    with pytest.raises(ConfigError, match=r"process 1 on elsewhere, since .*, last seen 5 s ago"):
        locking._taken(tmp_path / "lock", "it")
    left_by(tmp_path / "lock", other, seconds_ago=locking.SILENCE + 1)
    with lock(tmp_path / "lock", "it"):
        pass


def test_a_holder_gives_signs_of_life_and_leaves_no_record(tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "BEAT", 0.01)
    path = tmp_path / "lock"
    with lock(path, "it"):
        os.utime(path, (0, 0))
        while path.stat().st_mtime == 0:
            pass
    assert path.read_text() == ""


def test_what_is_no_record_holds_nothing(tmp_path):
    for text in ("", "process 1 on x", "{}", '{"pid": 1}', "[" * 100):
        (tmp_path / "lock").write_text(text)
        with lock(tmp_path / "lock", "it"):
            pass
