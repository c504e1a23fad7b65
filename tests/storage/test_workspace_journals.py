"""The journals of a workspace: of the same command, of other commands, at another path, and files of other kinds."""

import shutil
from contextlib import suppress

import pytest
from unfinished import answered
from workspace_helpers import Killed, build, check_refused, names, results, run_killed

from pgen.errors import ConfigError
from pgen.storage.workspace import Workspace


def test_a_journal_elsewhere_is_deleted_by_the_next_start_only_if_it_is_that_run_s(tmp_path, monkeypatch):
    (tmp_path / "local").mkdir()
    space = Workspace(tmp_path / "out", journal=tmp_path / "local/j.sqlite")

    def run():
        with space.locked():
            space.open_journal().close()
            space.stage()
            space.publish()

    run_killed(monkeypatch, "_discard", run)
    answered(space.journal, "annotate")
    other = Workspace(tmp_path / "other", journal=space.journal)
    with other.locked():
        other.open_journal().close()
    Workspace(space.out).sweep()
    assert results(space) == 1
    assert {*names(tmp_path)} - {"other"} == {".other.pgen", "local", "out"}


def test_the_marker_of_an_earlier_run_deletes_no_later_journal(tmp_path, monkeypatch):
    """A run is killed before its final rename, then a fresh run; then a folder is created at the output's path."""
    run_killed(monkeypatch, "check_lock", lambda: build(Workspace(tmp_path / "out")), calls=2)
    assert (tmp_path / ".out.pgen/published").exists()
    fresh = Workspace(tmp_path / "out", fresh=True)

    def run():
        with fresh.locked():
            answered(fresh.journal, "annotate", 3)
            raise Killed

    run_killed(monkeypatch, "stage", run)
    (tmp_path / "out").mkdir()
    workspace = Workspace(tmp_path / "out")
    workspace.sweep()
    assert results(workspace) == 3


def test_a_marker_removes_no_journal_of_another_run(space, monkeypatch):
    """A power cut may restore the marker, and the folder at the output's path may have its inode."""
    run_killed(monkeypatch, "_discard", lambda: build(space))
    answered(space.journal, "annotate", 3, owner="a later run")
    space.sweep()
    assert results(space) == 3


def test_a_marker_counts_only_for_the_folder_that_its_run_has_built(space, monkeypatch):
    run_killed(monkeypatch, "check_lock", lambda: build(space), calls=2)
    space.out.mkdir()
    space.sweep()
    assert results(space) == 1


def test_a_journal_that_was_set_aside_is_not_deleted(space):
    space.work.mkdir()
    (space.work / "journal.sqlite.aside-1").write_text("precious")
    build(space)
    assert names(space.work) == ["journal.sqlite.aside-1"]


def test_a_journal_elsewhere_is_locked_too_and_deleted_at_the_end(tmp_path):
    (tmp_path / "local").mkdir()
    journal = tmp_path / "local" / "j.sqlite"
    space, other = Workspace(tmp_path / "out", journal=journal), Workspace(tmp_path / "other", journal=journal)
    with space.locked(), pytest.raises(ConfigError, match=r"j.sqlite is being written by another run"), other.locked():
        pass
    build(space)
    assert names(tmp_path) == ["local", "out"]
    assert names(tmp_path / "local") == []


@pytest.mark.parametrize(
    ("unfinished", "command", "fresh"),
    [
        ("annotate", "segment", False),
        ("annotate", "segment", True),
        ("segment", "annotate", True),
        ("annotate", "annotate --in-place", True),
        ("annotate", "repair", True),
        ("segment", "export", False),
    ],
)
def test_results_of_another_command_are_reported_and_left_alone(tmp_path, unfinished, command, fresh):
    space = Workspace(tmp_path / "out", command, fresh=fresh)
    answered(space.journal, unfinished, 2)
    remedy = r"Finish that by the same command, or discard"
    check_refused(space, rf"journal.sqlite holds 2 results of an unfinished `pgen {unfinished}`\. {remedy}")
    assert results(space) == 2


def test_results_in_another_hidden_folder_of_the_output_belong_to_their_command(tmp_path):
    """Such as the skills of `annotate --segment` in `.out.skills`; `.out.b.skills` belongs to an output `out.b`."""
    for name in (".out.skills", ".out.b.skills"):
        answered(tmp_path / name / ".found.pgen/journal.sqlite", "annotate --segment", 2)
    for fresh in (False, True):
        check_refused(
            Workspace(tmp_path / "out", "segment", fresh=fresh), r"holds 2 results .* `pgen annotate --segment`"
        )
    Workspace(tmp_path / "out", "annotate --segment").check()
    shutil.rmtree(tmp_path / ".out.skills")
    Workspace(tmp_path / "out", "segment").check()


def test_results_of_the_same_command_are_kept_and_discarded_with_fresh(space, tmp_path):
    answered(space.journal, "annotate")
    with space.locked():
        assert results(space) == 1
    with Workspace(tmp_path / "out", fresh=True).locked():
        assert not space.journal.exists()


def test_fresh_with_a_journal_elsewhere_leaves_no_results_beside_the_output(space, tmp_path):
    """Once the output exists, no command could use or discard them."""
    answered(space.journal, "annotate")
    build(Workspace(tmp_path / "out", journal=tmp_path / "j.sqlite", fresh=True))
    assert names(tmp_path) == ["out"]


def test_fresh_with_a_journal_elsewhere_keeps_one_that_cannot_be_read(tmp_path):
    space = Workspace(tmp_path / "out", journal=tmp_path / "j.sqlite", fresh=True)
    (tmp_path / ".out.pgen").mkdir()
    (tmp_path / ".out.pgen/journal.sqlite").write_text("notes")
    check_refused(space, r"--fresh: .*out.pgen/journal.sqlite is not a journal of pgen")


def test_results_in_a_journal_elsewhere_are_not_requested_again_by_mistake(tmp_path):
    elsewhere = tmp_path / "j.sqlite"
    space = Workspace(tmp_path / "out", journal=elsewhere)
    with suppress(OSError), space.locked():
        answered(elsewhere, "annotate")
        raise OSError
    with pytest.raises(ConfigError, match=rf"add --journal {elsewhere} to resume it, or --fresh to start anew"):
        Workspace(tmp_path / "out").check()
    space.check()
    Workspace(tmp_path / "out", fresh=True).check()
    assert results(space) == 1


@pytest.mark.parametrize("journal", ["", "missing/j.sqlite"])
def test_a_journal_path_where_no_file_can_exist_is_refused(tmp_path, journal):
    with pytest.raises(ConfigError, match=r"--journal .*: name a file in a folder that exists"):
        Workspace(tmp_path / "out", journal=tmp_path / journal).check()


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("name", ["notes.txt", "notes.txt-wal", "notes.txt-journal"])
def test_a_file_that_is_no_journal_is_refused_by_name_and_left_as_it_is(tmp_path, fresh, name):
    notes = tmp_path / name
    notes.write_text("My notes, which are not a journal.\n")
    space = Workspace(tmp_path / "out", journal=tmp_path / "notes.txt", fresh=fresh)
    check_refused(space, rf"--journal .*: {notes} is not a journal of pgen; name another file")
    assert names(tmp_path) == [name]
    assert notes.read_text() == "My notes, which are not a journal.\n"


@pytest.mark.parametrize("journal", [None, "j.sqlite"])
def test_a_journal_whose_header_is_destroyed_is_not_deleted(tmp_path, journal):
    space = Workspace(tmp_path / "out", journal=tmp_path / journal if journal else None, fresh=True)
    answered(space.journal, "annotate", 3)
    content = bytearray(space.journal.read_bytes())
    content[:100] = bytes(100)
    space.journal.write_bytes(content)
    check_refused(space, rf"--fresh: {space.journal} is not a journal .* move it away")
    assert space.journal.read_bytes() == content
    Workspace(space.out, journal=space.journal).check()
