"""A switch in place leaves the old files or the new ones, whenever the process dies."""

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
def place(tmp_path):
    folder = tmp_path / "in"
    (folder / "meta").mkdir(parents=True)
    (folder / "meta/a").write_text("a")
    return InPlace(folder, "annotate --in-place")


def staged(place, **files):
    place.work.mkdir()
    staging = place.stage()
    for name, text in files.items():
        (staging / name).write_text(text)
    return place.switch


def test_a_process_killed_at_any_step_leaves_the_old_or_the_new_folder_after_the_next_start(tmp_path):
    script = Path(__file__).parents[1] / "support" / "switch_kills.py"
    done = subprocess.run([sys.executable, script, tmp_path], capture_output=True, text=True, timeout=HANG, check=False)
    assert done.returncode == 0, done.stderr
    outcomes = json.loads(done.stdout)
    states = [state for state, _ in outcomes]
    turned = states.index("new")
    assert 10 < turned < len(states) - 10
    assert states == ["old"] * turned + ["new"] * (len(states) - turned)
    assert outcomes[turned][1] == {"told": "all"}


def test_a_symbolic_link_is_refused(place, tmp_path):
    (tmp_path / "blob").write_text("shared")
    (place.out / "film.mp4").symlink_to(tmp_path / "blob")
    with pytest.raises(ConfigError, match=r"film\.mp4 is a symbolic link"):
        place.check()


def test_a_folder_that_is_reached_by_a_link_is_refused(place, tmp_path):
    (tmp_path / "link").symlink_to(place.out)
    with pytest.raises(ConfigError, match="link is a symbolic link"):
        InPlace(tmp_path / "link").check()


def test_a_file_of_several_names_is_refused(place, tmp_path):
    os.link(place.out / "meta/a", tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match=r"meta/a has several names"):
        place.check()


def test_a_link_that_a_stopped_run_had_staged_does_not_count(place):
    staged(place)
    os.link(place.out / "meta/a", place.staging / "a")
    place.check()


def test_files_that_are_the_same_keep_their_place_and_time(place):
    before = (place.out / "meta/a").stat()
    switch = staged(place, b="b")
    (place.staging / "meta").mkdir()
    (place.staging / "meta/a").write_text("a")
    switch.commit(command="annotate --in-place")
    switch.finish()
    after = (place.out / "meta/a").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (place.out / "b").read_text() == "b"


def begun(place):
    """Record a switch by `annotate --in-place`, without any rename yet."""
    switch = staged(place, b="b")
    switch.commit(command=place.command, run="", journal=place.journal_elsewhere, told={"answers": 3})
    return switch


def test_a_folder_between_old_and_new_files_is_refused(place):
    check_settled(place.out)
    begun(place)
    with pytest.raises(InputError, match=r"`pgen annotate --in-place` was stopped\. Start that command again first"):
        check_settled(place.out)
    assert place.recover() == {"answers": 3}
    check_settled(place.out)
    assert [path.name for path in place.out.parent.iterdir()] == ["in"]


@pytest.mark.parametrize("command", ["repair", "annotate"])
def test_no_other_command_finishes_or_discards_a_switch(place, command):
    begun(place)
    other = InPlace(place.out, command)
    other.sweep()
    for attempt in (other.recover, other.check, other.locked().__enter__):
        with pytest.raises(InputError, match="Start that command again first"):
            attempt()
    place.recover()
    assert (place.out / "b").read_text() == "b"


def test_a_journal_with_another_owner_survives_the_end_of_a_switch(place, tmp_path):
    place = InPlace(place.out, place.command, journal=tmp_path / "j.sqlite")
    begun(place)
    answered(place.journal, "annotate")
    place.recover()
    assert inspect(place.journal).results == 1


def test_a_run_that_lost_its_lock_while_it_compared_files_leaves_no_record(place):
    switch = staged(place, b="b")
    with pytest.raises(LockLostError):
        switch.commit(lost, command=place.command)
    assert not switch.pending


def lost():
    raise LockLostError("taken over")


def test_what_a_finished_switch_left_is_removed_by_the_next_start(place):
    """As after a power cut, which brings back what was removed last."""
    staged(place, b="b")
    place.sweep()
    assert [path.name for path in place.out.parent.iterdir()] == ["in"]
