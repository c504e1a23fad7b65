import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from unfinished import answered

from pgen.errors import ConfigError, LockLostError
from pgen.storage.locking import HOLDER
from pgen.storage.unfinished import inspect
from pgen.storage.workspace import Workspace


class Killed(BaseException):
    """Ends what it is raised in without any of the cleaning up that a killed process has no time for."""


def killed(monkeypatch, at, work, *, calls=1):
    """Do the work up to a call of a function of Workspace's, by name."""
    function, made = getattr(Workspace, at), count(1)

    def die(*arguments):
        if next(made) == calls:
            raise Killed
        return function(*arguments)

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(Workspace, "_abandon", lambda self: None)
        patch.setattr(Workspace, at, die)
        work()


def building(space):
    """A run of an empty output with an answer, up to its end."""
    with space.locked():
        answered(space.journal, space.command, owner=space.token)
        (space.stage() / "file").write_text("content")
        space.publish()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_output_appears_whole_and_nothing_is_left_beside_it(tmp_path):
    space = Workspace(tmp_path / "deep" / "out")
    building(space)
    assert names(space.out.parent) == ["out"]
    assert (space.out / "file").read_text() == "content"


def test_every_step_is_on_the_disk_before_the_next(tmp_path, monkeypatch):
    steps = []
    space = Workspace(tmp_path / "out")
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

    with space.locked():
        answered(space.journal, "annotate")
        (space.stage() / "folder").mkdir()
        staging = space.staging
        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(os, "rename", renamed)
        monkeypatch.setattr(os, "unlink", unlinked)
        space.publish()
    at = steps.index(("rename", str(space.out)))
    synced_before = [path for step, path in steps[:at] if step == "fsync"]
    assert {str(staging), str(staging / "folder"), str(space.work)} <= set(synced_before)
    assert steps[at + 1] == ("fsync", str(space.out.parent))
    removed = steps.index(("unlink", str(space.journal)))
    marker = steps.index(("unlink", str(space.work / "published")), at)
    assert at + 1 < removed < marker
    assert ("fsync", str(space.work)) in steps[removed:marker]


def test_a_run_killed_after_its_output_was_there_is_cleaned_up_by_the_next_start(tmp_path, monkeypatch):
    space = Workspace(tmp_path / "out")
    killed(monkeypatch, "_discard", lambda: building(space))
    assert space.journal.exists()
    Workspace(space.out).sweep()
    assert names(tmp_path) == ["out"]


def test_a_journal_elsewhere_is_removed_by_the_next_start_only_where_it_is_that_run_s(tmp_path, monkeypatch):
    (tmp_path / "local").mkdir()
    space = Workspace(tmp_path / "out", journal=tmp_path / "local/j.sqlite")

    def run():
        with space.locked():
            space.open_journal().close()
            space.stage()
            space.publish()

    killed(monkeypatch, "_discard", run)
    answered(space.journal, "annotate")
    other = Workspace(tmp_path / "other", journal=space.journal)
    with other.locked():
        other.open_journal().close()
    Workspace(space.out).sweep()
    assert inspect(space.journal).results == 1
    assert names(tmp_path) == [".other.pgen", "local", "other", "out"] or names(tmp_path) == [
        ".other.pgen",
        "local",
        "out",
    ]


def test_the_marker_of_a_former_run_removes_no_later_journal(tmp_path, monkeypatch):
    """Killed before the final rename; then a fresh run killed while asking; then a folder in the output's place."""
    killed(monkeypatch, "check_lock", lambda: building(Workspace(tmp_path / "out")), calls=2)
    former = Workspace(tmp_path / "out")
    assert (former.work / "published").exists()
    fresh = Workspace(tmp_path / "out", fresh=True)

    def asking():
        with fresh.locked():
            answered(fresh.journal, "annotate", 3)
            raise Killed

    killed(monkeypatch, "stage", asking)
    (tmp_path / "out").mkdir()
    again = Workspace(tmp_path / "out")
    again.sweep()
    assert inspect(again.journal).results == 3


def test_a_marker_removes_no_journal_of_another_run(tmp_path, monkeypatch):
    """A power cut may bring the marker back, and the folder in the output's place may have got its number."""
    space = Workspace(tmp_path / "out")
    killed(monkeypatch, "_discard", lambda: building(space))
    answered(space.journal, "annotate", 3, owner="a later run")
    space.sweep()
    assert inspect(space.journal).results == 3


def test_a_marker_counts_only_for_the_folder_that_its_run_has_built(tmp_path, monkeypatch):
    space = Workspace(tmp_path / "out")
    killed(monkeypatch, "check_lock", lambda: building(space), calls=2)
    (tmp_path / "out").mkdir()
    space.sweep()
    assert inspect(space.journal).results == 1


def test_a_run_that_is_under_way_is_known_before_the_input_is_read(tmp_path):
    space = Workspace(tmp_path / "out")
    space.sweep()
    assert names(tmp_path) == []
    with space.locked(), pytest.raises(ConfigError, match="is being written by another run"):
        Workspace(tmp_path / "out").sweep()


def test_a_folder_that_somebody_made_in_the_output_s_place_costs_no_answer(tmp_path):
    space = Workspace(tmp_path / "out")
    answered(space.journal, "annotate")
    space.out.mkdir()
    space.sweep()
    assert space.journal.exists()
    with pytest.raises(ConfigError, match="exists already"):
        space.check()


def test_a_journal_that_was_set_aside_stays(tmp_path):
    space = Workspace(tmp_path / "out")
    space.work.mkdir()
    (space.work / "journal.sqlite.aside-1").write_text("precious")
    building(space)
    assert names(space.work) == ["journal.sqlite.aside-1"]


def test_what_a_run_that_was_killed_was_building_is_removed_at_the_next_start(tmp_path, monkeypatch):
    space = Workspace(tmp_path / "out")
    killed(monkeypatch, "publish", lambda: building(space))
    assert [path.name for path in space.work.glob("staging-*")]
    with space.locked():
        assert not list(space.work.glob("staging-*"))
        assert inspect(space.journal).results == 1


def test_after_an_error_nothing_is_left_where_nothing_would_be_lost(tmp_path):
    space = Workspace(tmp_path / "out")

    def failing(answers):
        with space.locked():
            answered(space.journal, "annotate", answers)
            (space.stage() / "half").write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        failing(0)
    assert names(tmp_path) == []
    with pytest.raises(OSError, match="full"):
        failing(1)
    assert inspect(space.journal).results == 1


def test_a_journal_elsewhere_is_locked_too_and_goes_with_the_end(tmp_path):
    (tmp_path / "local").mkdir()
    place = tmp_path / "local" / "j.sqlite"
    space, other = Workspace(tmp_path / "out", journal=place), Workspace(tmp_path / "other", journal=place)
    with space.locked(), pytest.raises(ConfigError, match=r"j.sqlite is being written by another run"), other.locked():
        pass
    building(space)
    assert names(tmp_path) == ["local", "out"]
    assert names(tmp_path / "local") == []


@pytest.mark.parametrize(
    ("left", "command", "fresh"),
    [
        ("annotate", "segment", False),
        ("annotate", "segment", True),
        ("segment", "annotate", True),
        ("annotate", "annotate --in-place", True),
        ("annotate", "repair", True),
        ("segment", "export", False),
    ],
)
def test_answers_of_another_command_are_reported_and_left_alone(tmp_path, left, command, fresh):
    space = Workspace(tmp_path / "out", command, fresh=fresh)
    answered(space.journal, left, 2)
    told = (
        rf"journal.sqlite holds 2 results of an unfinished `pgen {left}`\. Finish that by the same command, or discard"
    )
    for check in (space.check, space.locked().__enter__):
        with pytest.raises(ConfigError, match=told):
            check()
    assert inspect(space.journal).results == 2


def test_answers_of_the_same_command_are_kept_and_thrown_away_with_fresh(tmp_path):
    space = Workspace(tmp_path / "out")
    answered(space.journal, "annotate")
    with space.locked():
        assert inspect(space.journal).results == 1
    fresh = Workspace(tmp_path / "out", fresh=True)
    with fresh.locked():
        assert not space.journal.exists()


def test_fresh_with_a_journal_elsewhere_leaves_no_answers_beside_the_output(tmp_path):
    """Once the output is there, no command could use them, and none would throw them away."""
    former = Workspace(tmp_path / "out")
    answered(former.journal, "annotate")
    building(Workspace(tmp_path / "out", journal=tmp_path / "j.sqlite", fresh=True))
    assert names(tmp_path) == ["out"]


def test_fresh_with_a_journal_elsewhere_keeps_one_that_cannot_be_read(tmp_path):
    space = Workspace(tmp_path / "out", journal=tmp_path / "j.sqlite", fresh=True)
    (tmp_path / ".out.pgen").mkdir()
    (tmp_path / ".out.pgen/journal.sqlite").write_text("notes")
    with pytest.raises(ConfigError, match=r"--fresh: .*out.pgen/journal.sqlite is not a journal of pgen"):
        space.check()


def test_a_run_that_lost_the_lock_as_it_began_removes_nothing_of_the_next_one(tmp_path, monkeypatch):
    former, space = Workspace(tmp_path / "out", fresh=True), Workspace(tmp_path / "out")

    def resumed():
        shutil.rmtree(former.work)  # as the next holder does, with what it finds
        with monkeypatch.context() as patch, space.locked():
            patch.undo()
            answered(space.journal, "annotate")
            (space.stage() / "file").write_text("next")
            begin()
            raise AssertionError("it began")

    begin = former._begin
    monkeypatch.setattr(former, "_begin", resumed)
    with pytest.raises(LockLostError), former.locked():
        pass
    assert inspect(space.journal).results == 1


def test_answers_in_a_journal_elsewhere_are_not_asked_for_again_by_mistake(tmp_path):
    elsewhere = tmp_path / "j.sqlite"
    space = Workspace(tmp_path / "out", journal=elsewhere)
    with suppress(OSError), space.locked():
        answered(elsewhere, "annotate")
        raise OSError
    with pytest.raises(ConfigError, match=rf"add --journal {elsewhere} to resume it, or --fresh to start anew"):
        Workspace(tmp_path / "out").check()
    space.check()
    Workspace(tmp_path / "out", fresh=True).check()
    assert inspect(elsewhere).results == 1


@pytest.mark.parametrize("journal", ["", "missing/j.sqlite"])
def test_a_journal_where_no_file_can_be_is_refused(tmp_path, journal):
    with pytest.raises(ConfigError, match=r"--journal .*: name a file in a folder that exists"):
        Workspace(tmp_path / "out", journal=tmp_path / journal).check()


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("name", ["notes.txt", "notes.txt-wal", "notes.txt-journal"])
def test_a_file_that_is_no_journal_is_refused_by_name_and_left_as_it_is(tmp_path, fresh, name):
    notes = tmp_path / name
    notes.write_text("My notes, which are not a journal.\n")
    space = Workspace(tmp_path / "out", journal=tmp_path / "notes.txt", fresh=fresh)
    for check in (space.check, space.locked().__enter__):
        with pytest.raises(ConfigError, match=rf"--journal .*: {notes} is not a journal of pgen; name another file"):
            check()
    assert names(tmp_path) == [name]
    assert notes.read_text() == "My notes, which are not a journal.\n"


@pytest.mark.parametrize("place", [None, "j.sqlite"])
def test_a_journal_whose_header_is_destroyed_is_not_thrown_away(tmp_path, place):
    space = Workspace(tmp_path / "out", journal=tmp_path / place if place else None, fresh=True)
    answered(space.journal, "annotate", 3)
    content = bytearray(space.journal.read_bytes())
    content[:100] = bytes(100)
    space.journal.write_bytes(content)
    for check in (space.check, space.locked().__enter__):
        with pytest.raises(ConfigError, match=rf"--fresh: {space.journal} is not a journal .* move it away"):
            check()
    assert space.journal.read_bytes() == content
    Workspace(space.out, journal=space.journal).check()


@pytest.mark.parametrize("path", ["file/out", "file/deep/out", "n" * 250, "n" * 300, "nu\0ll", "/", "/proc/out"])
def test_an_output_that_cannot_be_made_is_refused_in_a_sentence(tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"--output-dir .*(cannot be made: .*|is no new folder.*)\.$"):
        Workspace(tmp_path / path).check()
    assert names(tmp_path) == ["file"]


def test_an_output_that_appeared_before_the_lock_was_taken_is_not_written_over(tmp_path):
    space = Workspace(tmp_path / "out")
    space.check()
    space.out.mkdir()
    with pytest.raises(ConfigError, match="exists already"), space.locked():
        pass
    assert names(tmp_path) == ["out"]


def test_a_run_that_lost_the_lock_publishes_nothing_and_removes_nothing(tmp_path):
    space = Workspace(tmp_path / "out")
    other = Workspace(tmp_path / "out")

    def losing():
        with space.locked():
            (space.stage() / "file").write_text("mine")
            shutil.rmtree(space.work)  # as the next holder does, with what it finds
            with other.locked():
                answered(other.journal, "annotate")
                (other.stage() / "file").write_text("other")
                with pytest.raises(LockLostError):
                    space.publish()
                assert (other.staging / "file").read_text() == "other"
            (space.staging / "more").write_text("an error of whatever kind")

    with pytest.raises(LockLostError, match="was taken over by another run"):
        losing()
    assert inspect(space.journal).results == 1
    assert not space.out.exists()
    assert not list(tmp_path.rglob(HOLDER))


def test_a_report_of_what_cannot_be_removed_does_not_take_a_whole_output_for_a_failure(tmp_path, monkeypatch):
    space = Workspace(tmp_path / "out")

    def full(self, journals):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "_discard", full)
        building(space)
    assert (space.out / "file").exists()
    Workspace(space.out).sweep()
    assert names(tmp_path) == ["out"]
