"""Publication in place, a switch of files: the folder has the old files or the new ones, whenever the process dies."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hanging import HANG
from unfinished import answered

from pgen.errors import ConfigError, InputError, LockLostError
from pgen.storage.in_place import InPlace, check_settled
from pgen.storage.unfinished import inspect


@pytest.fixture
def in_place(tmp_path):
    folder = tmp_path / "in"
    (folder / "meta").mkdir(parents=True)
    (folder / "meta/a").write_text("a")
    return InPlace(folder, "annotate --in-place")


def stage(in_place, **files):
    in_place.work.mkdir()
    staging = in_place.stage()
    for name, text in files.items():
        (staging / name).write_text(text)
    return in_place.switch


def test_a_process_killed_at_any_step_leaves_the_old_or_the_new_folder_after_the_next_start(tmp_path):
    script = Path(__file__).parents[1] / "support" / "switch_kills.py"
    command = [sys.executable, script, tmp_path]
    process = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False)
    assert process.returncode == 0, process.stderr
    outcomes = json.loads(process.stdout)
    states = [state for state, _ in outcomes]
    first_new = states.index("new")
    assert 10 < first_new < len(states) - 10
    assert states == ["old"] * first_new + ["new"] * (len(states) - first_new)
    assert outcomes[first_new][1] == {"summary": "all"}


def test_a_symbolic_link_is_refused(in_place, tmp_path):
    (tmp_path / "blob").write_text("shared")
    (in_place.out / "film.mp4").symlink_to(tmp_path / "blob")
    with pytest.raises(ConfigError, match=r"film\.mp4 is a symbolic link"):
        in_place.check()


def test_a_folder_that_is_reached_by_a_link_is_refused(in_place, tmp_path):
    (tmp_path / "link").symlink_to(in_place.out)
    with pytest.raises(ConfigError, match="link is a symbolic link"):
        InPlace(tmp_path / "link").check()


def test_a_file_with_several_names_is_refused(in_place, tmp_path):
    os.link(in_place.out / "meta/a", tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"meta/a has several names"):
        in_place.check()


def test_a_link_among_the_staged_files_of_a_stopped_run_is_ignored(in_place):
    stage(in_place)
    os.link(in_place.out / "meta/a", in_place.staging / "a")
    in_place.check()


def test_unchanged_files_keep_their_inode_and_time(in_place):
    before = (in_place.out / "meta/a").stat()
    switch = stage(in_place, b="b")
    (in_place.staging / "meta").mkdir()
    (in_place.staging / "meta/a").write_text("a")
    switch.commit(command="annotate --in-place")
    switch.finish()
    after = (in_place.out / "meta/a").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (in_place.out / "b").read_text() == "b"


def record_switch(in_place):
    """Record a switch by `annotate --in-place`, without any rename yet."""
    switch = stage(in_place, b="b")
    switch.commit(command=in_place.command, run="", journal=in_place.journal_elsewhere, told={"results": 3})
    return switch


def test_a_folder_between_old_and_new_files_is_refused(in_place):
    check_settled(in_place.out)
    record_switch(in_place)
    with pytest.raises(InputError, match=r"`pgen annotate --in-place` was stopped\. Start that command again first"):
        check_settled(in_place.out)
    assert in_place.recover() == {"results": 3}
    check_settled(in_place.out)
    assert [path.name for path in in_place.out.parent.iterdir()] == ["in"]


@pytest.mark.parametrize("command", ["repair", "annotate"])
def test_no_other_command_finishes_or_discards_a_switch(in_place, command):
    record_switch(in_place)
    other = InPlace(in_place.out, command)
    other.sweep()
    for attempt in (other.recover, other.check, other.locked().__enter__):
        with pytest.raises(InputError, match="Start that command again first"):
            attempt()
    in_place.recover()
    assert (in_place.out / "b").read_text() == "b"


def test_a_journal_with_another_owner_is_not_deleted_at_the_end_of_a_switch(in_place, tmp_path):
    in_place = InPlace(in_place.out, in_place.command, journal=tmp_path / "j.sqlite")
    record_switch(in_place)
    answered(in_place.journal, "annotate")
    in_place.recover()
    assert inspect(in_place.journal).results == 1


def test_a_run_that_lost_its_lock_while_it_compared_files_leaves_no_record(in_place):
    switch = stage(in_place, b="b")
    with pytest.raises(LockLostError):
        switch.commit(lost, command=in_place.command)
    assert not switch.pending


def lost():
    raise LockLostError("taken over")


def test_the_remains_of_a_finished_switch_are_removed_by_the_next_start(in_place):
    """A power cut may restore the files that were removed last."""
    stage(in_place, b="b")
    in_place.sweep()
    assert [path.name for path in in_place.out.parent.iterdir()] == ["in"]
