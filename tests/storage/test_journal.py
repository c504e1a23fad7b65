"""The journal: what it stores, and what is recovered from a damaged one."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from altered import altered
from journal_helpers import IDENTITY, dialogue, filled, texts

from pgen.errors import ConfigError, StorageError
from pgen.records import Annotation, Dialogue, Failure, Plan, Usage
from pgen.storage.journal import Journal
from pgen.testing import make_samples


def test_results_are_stored_and_can_be_read_after_opening_again(path):
    first, second, third = make_samples()
    plan, dialogue_of_first = Plan("negative_task", "confirmation"), Dialogue("Nicht \u2028 so", "Güt", "a", None)
    answered = Annotation(first, plan, dialogue_of_first, Usage(1, 2, 0.5, 2, 1))
    failed = Annotation(second, Plan(), Failure("parse", "no JSON"))
    with closing(Journal(path)) as journal:
        journal.add([answered, failed])
        journal.add_values([("key", {"skills": [1.5]})])
    with closing(Journal(path)) as journal:
        assert [journal.get(sample) for sample in (first, second, third)] == [answered, failed, None]
        assert journal.unanswered([first, second, third]) == [second, third]
        assert (journal.value("key"), journal.value("other")) == ({"skills": [1.5]}, None)


def test_a_result_never_serves_a_sample_with_another_skill_history_or_image(path):
    (sample, *_) = make_samples()
    with closing(Journal(path)) as journal:
        journal.add([dialogue(sample)])
        for other in (
            altered(sample, skill="x"),
            altered(sample, history=("x",)),
            altered(sample, images=()),
        ):
            assert journal.get(other) is None


def test_other_options_that_matter_are_refused_by_name_once_there_are_results(path):
    with closing(Journal(path)) as journal:
        journal.claim("options", {"seed": 2})
        journal.claim("options", IDENTITY)
        journal.claim("model", "tiny")
        journal.add([dialogue(make_samples()[0])])
        journal.claim("options", IDENTITY)
        with pytest.raises(ConfigError, match=r"options \(options.generator.temperature: 0.0, now 0.7\).*--fresh"):
            journal.claim("options", {"generator": {"name": "fake", "temperature": 0.7}, "seed": 1})
        with pytest.raises(ConfigError, match=r"other options \(model: 'tiny', now 'large'\).*--fresh"):
            journal.claim("model", "large")
        assert journal.metadata("options") == IDENTITY


def other_database(path):
    with closing(sqlite3.connect(path)) as other:
        rows = "INSERT INTO samples VALUES (1, 1, 1, 1)"
        other.executescript(f"CREATE TABLE samples (key TEXT, ok, content TEXT, sum); {rows}")


@pytest.mark.parametrize("content", [b"what is this? " * 100, b"SQLite format 3\0" + b"\0" * 100, None])
def test_a_file_that_is_no_journal_is_set_aside_unchanged_under_a_new_name(path, capsys, content):
    for number in (1, 2):
        path.write_bytes(content) if content else other_database(path)
        before = path.read_bytes()
        Journal(path).close()
        aside = path.with_name(f"journal.sqlite.aside-{number}")
        assert aside.read_bytes() == before
        assert f"It was set aside as {aside}; nothing was recovered" in capsys.readouterr().err
        path.unlink()


@pytest.mark.parametrize("size", [4096, 8192, 16384])
@pytest.mark.parametrize("schema", [True, False])
def test_a_journal_that_was_truncated_during_its_creation_is_not_set_aside(path, capsys, size, schema):
    with closing(Journal(path)) as journal:
        journal.claim("options", {"seed": 1})
    content = path.read_bytes()
    header = content[:100] + (content[100:4096] if schema else b"\r".ljust(3996, b"\0"))
    path.write_bytes((header + content[4096:])[:size])
    with closing(Journal(path)) as journal:
        assert journal.empty
    assert not list(path.parent.glob("*aside*"))
    assert not capsys.readouterr().err


@pytest.mark.parametrize("text", [b"Do 2", b"Do \xb1", b"Do \x00"])
def test_the_intact_rows_of_a_damaged_journal_are_recovered(path, capsys, text):
    samples = filled(path)
    damaged = path.read_bytes().replace(b"Do 1", text, 1)
    path.write_bytes(damaged)
    with closing(Journal(path)) as journal:
        assert texts(journal, samples) == ["Do 0", None, "Do 2"]
        journal.claim("options", IDENTITY)
        with pytest.raises(ConfigError, match="other options"):
            journal.claim("options", {"seed": 2})
    assert path.with_name("journal.sqlite.aside-1").read_bytes() == damaged
    assert "2 results in it are intact and were recovered" in capsys.readouterr().err


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_a_run_killed_while_a_journal_is_rebuilt_loses_no_result(path, monkeypatch, step):
    """Killed at each of the renames that complete the rebuilding."""
    samples = filled(path)
    path.write_bytes(path.read_bytes().replace(b"Do 1", b"Do 2", 1))
    rename, targets = Path.rename, []

    def killed(self, target):
        targets.append(target)
        if len(targets) > step:
            raise SystemExit
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(SystemExit):
        Journal(path)
    monkeypatch.undo()
    with closing(Journal(path)) as journal:
        assert texts(journal, samples) == ["Do 0", None, "Do 2"]
    assert len(list(path.parent.glob("journal.sqlite.aside-?"))) == 1
    assert not list(path.parent.glob("*.rebuilt*"))


def test_a_file_system_without_shared_memory_gets_a_rollback_journal(path, monkeypatch):
    """SQLite's VFS `unix-dotfile` has no shared memory, like network file systems."""
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **k: real(f"file:{path}?vfs=unix-dotfile", uri=True, **k))
    samples = filled(path)
    assert not list(path.parent.glob("*-wal"))
    with closing(Journal(path)) as journal:
        assert all(texts(journal, samples))


def test_a_journal_after_an_error_can_be_written_again(path):
    """A limit on the file's pages simulates a disk that is full for some time."""
    samples = filled(path)
    with closing(Journal(path)) as journal:
        journal._db.execute("PRAGMA max_page_count=1")
        large = dialogue(samples[0], "x" * 100_000)
        with pytest.raises(StorageError, match=r"journal.sqlite cannot be used \(database or disk is full\)"):
            journal.add([large])
        assert texts(journal, samples) == ["Do 0", "Do 1", "Do 2"]
        journal._db.execute("PRAGMA max_page_count=1000000")
        journal.add([large])
        assert journal.get(samples[0]) == large


def test_a_path_where_no_file_can_exist_is_an_error_that_names_it(tmp_path):
    with pytest.raises(StorageError, match=r"no/journal.sqlite cannot be used \(unable to open"):
        Journal(tmp_path / "no" / "journal.sqlite")


def test_a_row_takes_less_than_a_kilobyte_beyond_its_text(path):
    count = 500
    with closing(Journal(path)) as journal:
        samples = [altered(make_samples()[0], frame_index=number) for number in range(count)]
        journal.add([Annotation(sample, Plan("a" * 20, "b" * 20), Dialogue("x" * 1000, "y")) for sample in samples])
    assert path.stat().st_size < count * (1000 + 1000)


def test_a_sync_writes_the_wal_to_the_disk(path, monkeypatch):
    fsync, files = os.fsync, set()

    def recorded(number):
        files.add(Path(f"/proc/self/fd/{number}").readlink().name)
        fsync(number)

    monkeypatch.setattr(os, "fsync", recorded)
    with closing(Journal(path)) as journal:
        journal.add([dialogue(make_samples()[0])])
        files.clear()
        journal.sync()
        assert "journal.sqlite-wal" in files


def test_other_processes_see_a_commit_at_once(path):
    with closing(Journal(path)) as journal:
        journal.add([dialogue(make_samples()[0])])
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as other:
            assert other.execute("SELECT count(*) FROM samples").fetchone() == (1,)
