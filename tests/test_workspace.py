import os
from pathlib import Path

import pytest

from pgen.errors import ConfigError
from pgen.workspace import Workspace


def built(tmp_path, **options):
    """A workspace with a finished output in its staging folder."""
    space = Workspace(tmp_path / "deep" / "out", **options)
    with space.locked(fresh=False):
        space.journal.write_text("answers")
        (space.stage() / "file").write_text("content")
    return space


def test_the_output_appears_whole_and_nothing_is_left_beside_it(tmp_path):
    space = built(tmp_path)
    space.publish()
    assert [path.name for path in space.out.parent.iterdir()] == ["out"]
    assert (space.out / "file").read_text() == "content"


def test_every_step_is_on_the_disk_before_the_next(tmp_path, monkeypatch):
    space = built(tmp_path)
    (space.staging / "folder").mkdir()
    steps = []
    sync, rename, unlink = os.fsync, os.rename, os.unlink

    def synced(descriptor):
        steps.append(("fsync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        sync(descriptor)

    def renamed(old, new, **_):
        steps.append(("rename", str(new)))
        rename(old, new)

    def unlinked(path, **_):
        steps.append(("unlink", str(path)))
        unlink(path)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(os, "unlink", unlinked)
    space.publish()
    at = steps.index(("rename", str(space.out)))
    synced_before = [path for step, path in steps[:at] if step == "fsync"]
    assert {str(space.staging), str(space.staging / "folder"), str(space.work)} <= set(synced_before)
    assert steps[at + 1] == ("fsync", str(space.out.parent))
    assert ("unlink", str(space.journal)) in steps[at + 2 :]
    assert not [path for step, path in steps[: at + 2] if step == "unlink" and path == str(space.journal)]


def test_a_run_killed_after_its_output_was_there_is_cleaned_up_by_the_next_start(tmp_path, monkeypatch):
    space = built(tmp_path)
    monkeypatch.setattr(Workspace, "discard", lambda self: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        space.publish()
    monkeypatch.undo()
    assert space.journal.exists()
    Workspace(space.out).sweep()
    assert [path.name for path in space.out.parent.iterdir()] == ["out"]


def test_a_run_that_is_under_way_is_known_before_the_input_is_read(tmp_path):
    space = Workspace(tmp_path / "out")
    space.sweep()
    assert list(tmp_path.iterdir()) == []
    with space.locked(fresh=False), pytest.raises(ConfigError, match="is being written by another run"):
        Workspace(tmp_path / "out").sweep()


def test_a_folder_that_somebody_made_in_the_output_s_place_costs_no_answer(tmp_path):
    space = built(tmp_path)
    space.out.mkdir()
    space.sweep()
    assert space.journal.exists()
    with pytest.raises(ConfigError, match="exists already"):
        space.check()


def test_a_journal_that_was_set_aside_stays(tmp_path):
    space = built(tmp_path)
    (space.work / "journal.sqlite.aside-1").write_text("precious")
    space.publish()
    assert [path.name for path in space.work.iterdir()] == ["journal.sqlite.aside-1"]


def test_what_a_run_that_was_killed_was_building_is_removed_at_the_next_start(tmp_path):
    space = built(tmp_path)
    with space.locked(fresh=False):
        assert not space.staging.exists()
        assert space.journal.exists()


def test_a_journal_elsewhere_is_locked_too_and_goes_with_the_end(tmp_path):
    (tmp_path / "local").mkdir()
    place = tmp_path / "local" / "j.sqlite"
    space = built(tmp_path, journal=place)
    other = Workspace(tmp_path / "other", place)
    told = r"j.sqlite is being written by another run"
    with space.locked(fresh=False), pytest.raises(ConfigError, match=told), other.locked(fresh=False):
        pass
    (space.stage() / "file").write_text("content")
    space.publish()
    assert list((tmp_path / "local").iterdir()) == []


@pytest.mark.parametrize("journal", ["", "missing/j.sqlite"])
def test_a_journal_where_no_file_can_be_is_refused(tmp_path, journal):
    with pytest.raises(ConfigError, match=r"--journal .*: name a file in a folder that exists"):
        Workspace(tmp_path / "out", tmp_path / journal).check()


def test_an_output_that_appeared_before_the_lock_was_taken_is_not_written_over(tmp_path):
    space = Workspace(tmp_path / "out")
    space.check()
    space.out.mkdir()
    with pytest.raises(ConfigError, match="exists already"), space.locked(fresh=False):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
