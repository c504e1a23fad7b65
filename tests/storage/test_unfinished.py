"""The journal of an unfinished command is recognized, however damaged it is."""

import shutil
from contextlib import closing

import pytest

from pgen.records import Annotation, Dialogue, Plan
from pgen.storage.journal import Journal
from pgen.storage.unfinished import COMMAND, inspect
from pgen.testing import make_annotation, make_episode, make_samples


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "journal.sqlite"
    with closing(Journal(path)) as journal:
        journal.claim("options", {"seed": 1})
        journal.add([Annotation(sample, Plan(), Dialogue("Do it", "Yes")) for sample in make_samples()])
    return path


def test_an_invalid_utf_8_byte_in_the_schema_loses_no_result(path, tmp_path):
    content = path.read_bytes()
    first, last = content.index(b"CREATE TABLE") - 40, content.rindex(b"CREATE TABLE") + 40
    copy = tmp_path / "copy" / path.name
    copy.parent.mkdir()
    for offset in range(first, last, 7):
        shutil.copy(path, copy)
        copy.write_bytes(content[:offset] + b"\xcb" + content[offset + 1 :])
        leftover = inspect(copy)
        assert leftover is not None
        assert not leftover.worthless, offset


def test_an_empty_journal_with_the_files_of_its_creation_is_used(tmp_path):
    path = tmp_path / "journal.sqlite"
    path.touch()
    path.with_name("journal.sqlite-journal").write_bytes(bytes(512))
    with closing(Journal(path)) as journal:
        assert journal.empty
    assert not list(tmp_path.glob("*aside*"))


def test_a_flipped_bit_in_the_command_s_name_assigns_no_result_to_another_command(path):
    with closing(Journal(path)) as journal:
        journal.claim(COMMAND, "annotate")
    content = path.read_bytes()
    assert content.count(b'"annotate"') == 1
    path.write_bytes(content.replace(b'"annotate"', b'"annotata"'))
    leftover = inspect(path)
    assert leftover is not None
    assert leftover.command == "annotate"


def copied(path, tmp_path, episodes):
    """Add the samples of episodes; return them, a copy of the journal without its WAL, and the WAL."""
    added = [make_samples(make_episode(index=index)) for index in episodes]
    with closing(Journal(path)) as journal:
        for samples in added:
            journal.add(map(make_annotation, samples))
        torn = tmp_path / "torn" / path.name
        torn.parent.mkdir()
        shutil.copy(path, torn)
        return added, torn, path.with_name(f"{path.name}-wal").read_bytes()


def test_a_journal_is_not_set_aside_where_all_of_its_pages_were_copied(path, tmp_path, capsys):
    """A power cut may lose pages of the WAL and damage none."""
    added, torn, log = copied(path, tmp_path, (1, 2))
    frame = 24 + 4096
    torn.with_name(f"{torn.name}-wal").write_bytes(log[:32] + bytes(frame) + log[32 + frame :])
    with closing(Journal(torn)) as journal:
        assert [journal.unanswered(samples) for samples in (make_samples(), *added)] == [[], [], []]
    assert [file.name for file in torn.parent.iterdir()] == [path.name]
    assert "9 results in it are intact and were recovered." in capsys.readouterr().err


def test_a_journal_is_not_set_aside_where_its_first_page_lost_its_number_in_the_log(path, tmp_path, capsys):
    """A power cut may lose only the header of a frame."""
    added, torn, log = copied(path, tmp_path, range(1, 40))
    frame = 24 + 4096
    (at, *_) = [at for at in range(32, len(log) - frame, frame) if log[at + 24 :].startswith(b"SQLite format 3\0")]
    torn.with_name(f"{torn.name}-wal").write_bytes(log[:at] + bytes(24) + log[at + 24 :])
    with closing(Journal(torn)) as journal:
        assert not any(journal.unanswered(samples) for samples in (make_samples(), *added))
    assert [file.name for file in torn.parent.iterdir()] == [path.name]
    assert "120 results in it are intact and were recovered." in capsys.readouterr().err
