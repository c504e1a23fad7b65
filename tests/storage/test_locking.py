import fcntl
import json
import os
import re
import resource
import subprocess
import sys
from dataclasses import asdict, replace
from time import monotonic

import pytest

from pgen.errors import ConfigError, LockLostError
from pgen.storage import lock_holder as holders
from pgen.storage import locking
from pgen.storage.lock_holder import Holder
from pgen.storage.locking import HOLDER, lock


@pytest.fixture
def no_system_locks(monkeypatch):
    """Simulate a file system without locks."""

    def refuse(*_):
        raise OSError(locking.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locking.fcntl, "flock", refuse)


def left_by(path, holder, seconds_ago=0.0, number=1):
    """Write the lock's record as `holder` does, without holding the lock."""
    file = path.with_name(f"{path.name}.{number}") / HOLDER
    file.parent.mkdir()
    file.write_text(json.dumps(asdict(holder)))
    then = file.stat().st_mtime - seconds_ago
    os.utime(file, (then, then))


def test_a_lock_has_one_holder_and_names_it(tmp_path):
    message = rf"the output is being written by another run \(process {os.getpid()} on {os.uname().nodename}, since 20"
    with (
        lock(tmp_path / "lock", "the output"),
        pytest.raises(ConfigError, match=message),
        lock(tmp_path / "lock", "the output"),
    ):
        pass
    with lock(tmp_path / "lock", "the output") as held:
        held.check()
    assert list(tmp_path.iterdir()) == []


def test_names_with_a_common_prefix_are_different_locks(tmp_path):
    with lock(tmp_path / "a[1].lock", "it"), lock(tmp_path / "a[1].lock.lock", "it"), lock(tmp_path / "a", "it"):
        assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.usefixtures("no_system_locks")
def test_without_system_locks_the_record_of_a_live_process_counts(tmp_path):
    with (
        lock(tmp_path / "lock", "it"),
        pytest.raises(ConfigError, match=f"process {os.getpid()}"),
        lock(tmp_path / "lock", "it"),
    ):
        pass


@pytest.mark.usefixtures("no_system_locks")
def test_without_system_locks_a_dead_process_and_a_reused_number_hold_no_lock(tmp_path):
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    for holder in (Holder(pid=int(ended.stdout)), replace(Holder(), process="1 another-boot")):
        left_by(tmp_path / "lock", holder)
        with lock(tmp_path / "lock", "it"):
            pass
        assert list(tmp_path.iterdir()) == []


def test_a_holder_on_another_host_counts_until_its_heartbeat_is_old(tmp_path):
    """The system grants the lock, because the file system stores locks for each host separately."""
    other, began = Holder(host="elsewhere", pid=1), monotonic()

    def check_refused():
        with pytest.raises(ConfigError) as caught, lock(tmp_path / "lock", "it"):
            pass
        seen = re.search(r"process 1 on elsewhere, since .*, last seen (\d+) s ago", str(caught.value))
        assert 5 <= int(seen[1]) <= round(5.1 + monotonic() - began)

    left_by(tmp_path / "lock", other, seconds_ago=5)
    check_refused()
    left_by(tmp_path / "lock", other, seconds_ago=holders.SILENCE + 1, number=2)
    check_refused()
    os.utime(tmp_path / "lock.1" / HOLDER, (0, 0))
    with lock(tmp_path / "lock", "it"):
        assert [path.name for path in tmp_path.iterdir()] == ["lock.3"]


def test_a_holder_writes_heartbeats(tmp_path, monkeypatch):
    monkeypatch.setattr(locking, "BEAT", 0.01)
    file = tmp_path / "lock.1" / HOLDER
    with lock(tmp_path / "lock", "it"):
        os.utime(file, (0, 0))
        while file.stat().st_mtime == 0:
            pass


def test_a_record_that_another_process_is_about_to_remove_is_abandoned(tmp_path, monkeypatch):
    """Without the system's lock on the record, other processes would consider its holder dead."""
    monkeypatch.setattr(locking, "_flock", lambda _, kind: kind != fcntl.LOCK_EX)
    assert locking._create(tmp_path / "lock", tmp_path / "lock.1", "it") is None
    assert not list(tmp_path.iterdir())


def test_a_record_that_cannot_be_written_is_named_and_removed(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*lock\..*'"), lock(tmp_path / "lock", "it"):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_a_former_holder_detects_its_loss_and_does_not_change_the_next_record(tmp_path, monkeypatch):
    monkeypatch.setattr(holders, "host_name", lambda: "first")
    former = locking._acquire(tmp_path / "lock", "the output")
    os.utime(tmp_path / "lock.1" / HOLDER, (0, 0))
    monkeypatch.setattr(holders, "host_name", lambda: "second")
    # The system's lock of the first host has no effect on the second.
    monkeypatch.setattr(locking, "_flock", lambda *_: None)
    with lock(tmp_path / "lock", "the output") as held:
        record = tmp_path / "lock.2" / HOLDER
        before = record.read_bytes(), record.stat().st_mtime_ns
        with pytest.raises(LockLostError, match="the output was taken over by another run"):
            former.check()
        former.beat()
        former.release()
        held.check()
        assert (record.read_bytes(), record.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_record_holds_no_lock(tmp_path):
    for number, text in enumerate(("", "process 1 on x", "{}", '{"pid": 1}', "[" * 100), 1):
        record = tmp_path / f"lock.{number}"
        record.mkdir()
        (record / HOLDER).write_text(text)
    (tmp_path / "lock.77").mkdir()
    (tmp_path / "lock.0123.new").mkdir()
    with lock(tmp_path / "lock", "it"):
        assert [path.name for path in tmp_path.iterdir()] == ["lock.78"]
