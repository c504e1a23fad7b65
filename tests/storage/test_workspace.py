"""The workspace of a run: its lock, its stages, and the publication of its output."""

import os
import shutil
from pathlib import Path

import pytest
from unfinished import answered
from workspace_helpers import build, names, results, run_killed

from pgen.errors import ConfigError, LockLostError
from pgen.storage.locking import HOLDER
from pgen.storage.workspace import Workspace


def test_the_output_appears_complete_and_the_working_folder_is_deleted(tmp_path):
    space = Workspace(tmp_path / "deep" / "out")
    build(space)
    assert names(space.out.parent) == ["out"]
    assert (space.out / "file").read_text() == "content"


def test_every_step_is_on_the_disk_before_the_next(space, monkeypatch):
    steps = []

    def recorded(name, describe):
        real = getattr(os, name)

        def step(*arguments, **options):
            steps.append((name, describe(arguments)))
            return real(*arguments, **options)

        monkeypatch.setattr(os, name, step)

    with space.locked():
        answered(space.journal, "annotate")
        (space.stage() / "folder").mkdir()
        staging = space.staging
        recorded("fsync", lambda arguments: str(Path(f"/proc/self/fd/{arguments[0]}").readlink()))
        recorded("rename", lambda arguments: str(arguments[1]))
        recorded("unlink", lambda arguments: str(arguments[0]))
        space.publish()
    at = steps.index(("rename", str(space.out)))
    synced_before = [path for step, path in steps[:at] if step == "fsync"]
    assert {str(staging), str(staging / "folder"), str(space.work)} <= set(synced_before)
    assert steps[at + 1] == ("fsync", str(space.out.parent))
    removed = steps.index(("unlink", str(space.journal)))
    marker = steps.index(("unlink", str(space.work / "published")), at)
    assert at + 1 < removed < marker
    assert ("fsync", str(space.work)) in steps[removed:marker]


def test_a_run_killed_after_its_output_was_complete_is_cleaned_up_by_the_next_start(space, monkeypatch, tmp_path):
    run_killed(monkeypatch, "_discard", lambda: build(space))
    assert space.journal.exists()
    Workspace(space.out).sweep()
    assert names(tmp_path) == ["out"]


def test_another_run_is_detected_before_the_input_is_read(space, tmp_path):
    space.sweep()
    assert names(tmp_path) == []
    with space.locked(), pytest.raises(ConfigError, match="is being written by another run"):
        Workspace(tmp_path / "out").sweep()


def test_a_folder_at_the_output_s_path_loses_no_result(space):
    answered(space.journal, "annotate")
    space.out.mkdir()
    space.sweep()
    assert space.journal.exists()
    with pytest.raises(ConfigError, match="exists already"):
        space.check()


def test_the_staged_files_of_a_killed_run_are_deleted_by_the_next_start(space, monkeypatch):
    run_killed(monkeypatch, "publish", lambda: build(space))
    assert list(space.work.glob("staging-*"))
    with space.locked():
        assert not list(space.work.glob("staging-*"))
        assert results(space) == 1


def test_after_an_error_the_working_folder_is_deleted_unless_it_has_results(space, tmp_path):
    def fail(count):
        with space.locked():
            answered(space.journal, "annotate", count)
            (space.stage() / "half").write_text("half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        fail(0)
    assert names(tmp_path) == []
    with pytest.raises(OSError, match="full"):
        fail(1)
    assert results(space) == 1


def test_a_run_that_lost_the_lock_at_its_start_deletes_nothing_of_the_next_one(tmp_path, monkeypatch):
    former, space = Workspace(tmp_path / "out", fresh=True), Workspace(tmp_path / "out")

    def resumed():
        shutil.rmtree(former.work)  # as the next holder does
        with monkeypatch.context() as patch, space.locked():
            patch.undo()
            answered(space.journal, "annotate")
            (space.stage() / "file").write_text("next")
            begin()
            raise AssertionError("the run started without the lock")

    begin = former._begin
    monkeypatch.setattr(former, "_begin", resumed)
    with pytest.raises(LockLostError), former.locked():
        pass
    assert results(space) == 1


@pytest.mark.parametrize("path", ["file/out", "file/deep/out", "n" * 250, "n" * 300, "nu\0ll", "/", "/proc/out"])
def test_an_output_that_cannot_be_created_is_refused_in_a_sentence(tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"--output-dir .*(cannot be made: .*|is no new folder.*)\.$"):
        Workspace(tmp_path / path).check()
    assert names(tmp_path) == ["file"]


def test_an_output_that_appeared_before_the_lock_was_acquired_is_not_overwritten(space, tmp_path):
    space.check()
    space.out.mkdir()
    with pytest.raises(ConfigError, match="exists already"), space.locked():
        pass
    assert names(tmp_path) == ["out"]


def test_a_run_that_lost_the_lock_publishes_nothing_and_removes_nothing(space, tmp_path):
    other = Workspace(tmp_path / "out")

    def lose():
        with space.locked():
            (space.stage() / "file").write_text("mine")
            shutil.rmtree(space.work)  # as the next holder does
            with other.locked():
                answered(other.journal, "annotate")
                (other.stage() / "file").write_text("other")
                with pytest.raises(LockLostError):
                    space.publish()
                assert (other.staging / "file").read_text() == "other"
            (space.staging / "more").write_text("an error of any kind")

    with pytest.raises(LockLostError, match="was taken over by another run"):
        lose()
    assert results(space) == 1
    assert not space.out.exists()
    assert not list(tmp_path.rglob(HOLDER))


def test_leftovers_that_cannot_be_deleted_do_not_turn_a_complete_output_into_a_failure(space, tmp_path, monkeypatch):
    def fail(self, journals):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "_discard", fail)
        build(space)
    assert (space.out / "file").exists()
    Workspace(space.out).sweep()
    assert names(tmp_path) == ["out"]
