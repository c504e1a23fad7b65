import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from altered import altered

from pgen.errors import ConfigError, LockLostError, StorageError
from pgen.records import Annotation, Dialogue, Failure, Plan, Turn, Usage
from pgen.seeds import sample_key
from pgen.storage.journal import Journal
from pgen.storage.journal_rows import row_of
from pgen.storage.recovery.row_formats import FORMER_KEYS, checked
from pgen.testing import make_samples

IDENTITY = {"generator": {"name": "fake", "temperature": 0.0}, "seed": 1}


def test_what_was_added_is_there_after_opening_again(tmp_path):
    first, second, third = make_samples()
    answered = Annotation(
        first,
        Plan("negative_task", "confirmation"),
        Dialogue("Nicht \u2028 so", "Güt", "a", None),
        Usage(1, 2, 0.5, 2, 1),
    )
    failed = Annotation(second, Plan(), Failure("parse", "no JSON"))
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add([answered, failed])
    journal.close()
    again = Journal(tmp_path / "journal.sqlite")
    assert [again.get(sample) for sample in (first, second, third)] == [answered, failed, None]
    assert [again.answered(sample) for sample in (first, second, third)] == [True, False, False]
    again.close()


def test_an_answer_never_serves_a_sample_with_another_skill_or_history(tmp_path):
    (sample, *_) = make_samples()
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add([Annotation(sample, Plan(), Dialogue("a", "b"))])
    for other in (
        altered(sample, skill="x"),
        altered(sample, history=("x",)),
        altered(sample, images=()),
    ):
        assert journal.get(other) is None
    journal.close()


def test_other_options_that_matter_are_refused_by_name(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    journal.claim("options", IDENTITY)
    journal.claim("model", "tiny")
    journal.add([Annotation(make_samples()[0], Plan(), Dialogue("a", "b"))])
    journal.claim("options", IDENTITY)
    with pytest.raises(ConfigError, match=r"other options \(options.generator.temperature: 0.0, now 0.7\).*--fresh"):
        journal.claim("options", {"generator": {"name": "fake", "temperature": 0.7}, "seed": 1})
    with pytest.raises(ConfigError, match=r"other options \(model: 'tiny', now 'large'\).*--fresh"):
        journal.claim("model", "large")
    journal.close()


def test_a_journal_without_answers_binds_nobody(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    journal.claim("options", IDENTITY)
    journal.claim("options", {"seed": 2})
    assert journal.recall("options") == {"seed": 2}
    journal.close()


@pytest.mark.parametrize("content", [b"what is this? " * 100, b"SQLite format 3\0" + b"\0" * 100])
def test_a_file_that_is_no_journal_is_set_aside_as_it_is_and_named(tmp_path, capsys, content):
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    Journal(path).close()
    aside = tmp_path / "journal.sqlite.aside-1"
    assert aside.read_bytes() == content
    assert f"It was set aside as {aside}; nothing was taken from it" in capsys.readouterr().err


def test_the_database_of_another_program_is_set_aside_and_nothing_is_taken_from_it(tmp_path, capsys):
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path)) as other:
        other.executescript(
            "CREATE TABLE samples (key TEXT, ok, content TEXT, sum); INSERT INTO samples VALUES (1,1,1,1)"
        )
    before = path.read_bytes()
    Journal(path).close()
    assert (tmp_path / "journal.sqlite.aside-1").read_bytes() == before
    assert "is no journal of pgen" in capsys.readouterr().err


@pytest.mark.parametrize("at", [18, 19, 47, 59])
def test_a_header_that_makes_no_sense_is_damage_too(tmp_path, capsys, at):
    """Never to be written, never to be read, in another encoding, of an unknown form."""
    path = tmp_path / "journal.sqlite"
    filled(path)
    content = bytearray(path.read_bytes())
    content[at] = 0x77
    path.write_bytes(content)
    journal = Journal(path)
    journal.add([Annotation(make_samples()[0], Plan(), Dialogue("a", "b"))])
    journal.close()
    assert "was set aside as" in capsys.readouterr().err


def filled(path):
    """A journal with three answers; their samples."""
    samples = make_samples()
    journal = Journal(path)
    journal.claim("options", IDENTITY)
    journal.add([Annotation(sample, Plan(), Dialogue(f"Do {i}", "Yes")) for i, sample in enumerate(samples)])
    journal.close()
    return samples


@pytest.mark.parametrize("text", [b"Do 2", b"Do \xb1", b"Do \x00"])
def test_of_a_damaged_journal_what_is_whole_is_taken_over(tmp_path, capsys, text):
    path = tmp_path / "journal.sqlite"
    samples = filled(path)
    damaged = path.read_bytes().replace(b"Do 1", text, 1)
    path.write_bytes(damaged)
    journal = Journal(path)
    assert [journal.answered(sample) for sample in samples] == [True, False, True]
    journal.claim("options", IDENTITY)
    with pytest.raises(ConfigError, match="other options"):
        journal.claim("options", {"seed": 2})
    journal.close()
    assert (tmp_path / "journal.sqlite.aside-1").read_bytes() == damaged
    assert "2 answers in it are whole and were taken over" in capsys.readouterr().err


def test_whatever_bit_is_wrong_no_answer_becomes_another(tmp_path, capsys):
    """Bits of the pages, of the tables' own text, of keys, texts and sums."""
    path = tmp_path / "journal.sqlite"
    samples, damaged = filled(path), tmp_path / "damaged" / "journal.sqlite"
    whole = path.read_bytes()
    damaged.parent.mkdir()
    page_of_answers = whole.index(b"Do 0") // 4096
    for at in [at for at, byte in enumerate(whole) if byte][::9]:
        content = bytearray(whole)
        content[at] ^= 1 << at % 8
        for old in damaged.parent.iterdir():
            old.unlink()
        damaged.write_bytes(content)
        journal = Journal(damaged)
        answers = [journal.get(sample) for sample in samples]
        assert journal.recall("options") == IDENTITY, at
        journal.close()
        right = [one is None or one.dialogue.user_prompt == f"Do {number}" for number, one in enumerate(answers)]
        assert all(right), at
        assert all(answers) or "was set aside" in capsys.readouterr().err, at
        page, offset = divmod(at, 4096)
        # One page has the three answers: a bit of its header may cost all of them, any other bit one.
        at_most = 0 if page != page_of_answers else 3 if offset < 8 else 1
        assert answers.count(None) <= at_most, at


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_a_run_killed_while_a_journal_is_rebuilt_costs_no_answer(tmp_path, monkeypatch, step):
    """At each of the renames that end it."""
    path = tmp_path / "journal.sqlite"
    samples = filled(path)
    path.write_bytes(path.read_bytes().replace(b"Do 1", b"Do 2", 1))
    rename, done = Path.rename, []

    def killed(self, target):
        done.append(target)
        if len(done) > step:
            raise SystemExit
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(SystemExit):
        Journal(path)
    monkeypatch.undo()
    journal = Journal(path)
    assert [journal.answered(sample) for sample in samples] == [True, False, True]
    journal.close()
    assert len(list(tmp_path.glob("journal.sqlite.aside-?"))) == 1
    assert not list(tmp_path.glob("*.rebuilt*"))


def test_answers_whose_options_are_not_certain_are_refused(tmp_path):
    path = tmp_path / "journal.sqlite"
    filled(path)
    damaged = path.read_bytes().replace(b'"seed": 1', b'"seed": 3').replace(b'seed\\": 1', b'seed\\": 3')
    path.write_bytes(damaged)
    with pytest.raises(ConfigError, match=r"options that its 3 answers were made with are lost.*--fresh"):
        Journal(path)
    assert path.read_bytes() == damaged


def test_an_answer_with_a_former_key_serves_its_sample_alone_until_there_is_a_newer_one(tmp_path):
    """Also one of a conversation, and one that was asked about a second time."""
    first, second, third = make_samples()
    turned = altered(first, turn_type="start", turns=(Turn(0, "Hi", "Yes"),))
    about = altered(second, about=Dialogue("a", "b"), problem="too short")
    journal = Journal(tmp_path / "journal.sqlite")
    for number, sample in enumerate((turned, about)):
        annotation = Annotation(sample, Plan(), Dialogue(f"Do {number}", "Yes"))
        _, _, ok, content, _ = row_of(annotation)
        row = checked(FORMER_KEYS, sample_key(sample).encode(), ok, content)
        journal._db.execute("INSERT INTO samples VALUES (?, ?, ?, ?, ?)", row)
    journal.close()
    journal = Journal(tmp_path / "journal.sqlite")
    samples = [turned, about, first, second, third]
    texts = [one and one.dialogue.user_prompt for one in journal.get_all(samples)]
    assert texts == ["Do 0", "Do 1", None, None, None]
    assert journal.unanswered(samples) == [first, second, third]
    newer = Annotation(turned, Plan(), Dialogue("newer", "Yes"))
    journal.add([newer])
    assert journal.get(turned) == newer
    journal.close()


def test_each_journal_that_is_set_aside_gets_a_name_of_its_own(tmp_path):
    for _ in range(2):
        (tmp_path / "journal.sqlite").write_bytes(b"nonsense" * 100)
        Journal(tmp_path / "journal.sqlite").close()
        (tmp_path / "journal.sqlite").unlink()
    assert len(list(tmp_path.glob("journal.sqlite.aside-*"))) == 2


def test_a_file_system_without_shared_memory_gets_a_rollback_journal(tmp_path, monkeypatch):
    """SQLite's own VFS `unix-dotfile` has none, as network file systems."""
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **k: real(f"file:{path}?vfs=unix-dotfile", uri=True, **k))
    samples = filled(tmp_path / "journal.sqlite")
    assert not list(tmp_path.glob("*-wal"))
    again = Journal(tmp_path / "journal.sqlite")
    assert all(again.answered(sample) for sample in samples)
    again.close()


def test_a_journal_after_an_error_can_be_written_again(tmp_path):
    """As when the disk is full, and then no more: here by a limit on the file's pages."""
    samples = filled(tmp_path / "journal.sqlite")
    journal = Journal(tmp_path / "journal.sqlite")
    journal._db.execute("PRAGMA max_page_count=1")
    large = Annotation(samples[0], Plan(), Dialogue("x" * 100_000, "y"))
    with pytest.raises(StorageError, match=r"journal.sqlite cannot be used \(database or disk is full\)"):
        journal.add([large])
    assert journal.get(samples[0]).dialogue.user_prompt == "Do 0"
    journal._db.execute("PRAGMA max_page_count=1000000")
    journal.add([large])
    assert journal.get(samples[0]) == large
    journal.close()


def test_a_place_where_no_file_can_be_is_an_error_that_names_it(tmp_path):
    with pytest.raises(StorageError, match=r"no/journal.sqlite cannot be used \(unable to open"):
        Journal(tmp_path / "no" / "journal.sqlite")


def test_a_record_costs_less_than_a_kilobyte_beyond_its_text(tmp_path):
    (sample, *_) = make_samples()
    count = 500
    samples = [altered(sample, frame_index=number) for number in range(count)]
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add([Annotation(one, Plan("a" * 20, "b" * 20), Dialogue("x" * 1000, "y")) for one in samples])
    journal.close()
    assert (tmp_path / "journal.sqlite").stat().st_size < count * (1000 + 1000)


def test_a_commit_is_on_the_disk_before_it_counts(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    journal.add([Annotation(make_samples()[0], Plan(), Dialogue("a", "b"))])
    with sqlite3.connect(f"file:{tmp_path / 'journal.sqlite'}?mode=ro", uri=True) as other:
        assert other.execute("SELECT count(*) FROM samples").fetchone() == (1,)
    other.close()
    journal.close()


def test_an_answer_of_another_form_is_kept_by_its_key(tmp_path):
    journal = Journal(tmp_path / "journal.sqlite")
    assert journal.kept("key") is None
    journal.keep([("key", {"skills": [1.5]})])
    journal.close()
    again = Journal(tmp_path / "journal.sqlite")
    assert again.kept("key") == {"skills": [1.5]}
    assert not again.empty
    again.close()


def test_a_journal_that_another_run_owns_by_now_is_not_written(tmp_path):
    path, (first, second, third) = tmp_path / "journal.sqlite", make_samples()
    former = Journal(path)
    former.own("former")
    former.add([Annotation(first, Plan(), Dialogue("a", "b"))])
    owner = Journal(path)
    owner.own("new")
    for write in (
        lambda: former.add([Annotation(second, Plan(), Dialogue("c", "d"))]),
        lambda: former.keep([("key", 1)]),
        lambda: former.remember("model", "tiny"),
        lambda: former.claim("model", "tiny"),
    ):
        with pytest.raises(ConfigError, match=r"journal.sqlite was taken over by another run"):
            write()
    owner.add([Annotation(third, Plan(), Dialogue("e", "f"))])
    assert [owner.answered(sample) for sample in (first, second, third)] == [True, False, True]
    assert (owner.recall("model"), owner.kept("key")) == (None, None)
    former.close()
    owner.close()


def test_a_run_that_lost_its_lock_does_not_become_the_owner(tmp_path):
    """As when it was stopped between opening the journal and owning it."""
    path = tmp_path / "journal.sqlite"
    former, owner = Journal(path), Journal(path)
    owner.own("new")

    def lost():
        raise LockLostError("taken over")

    with pytest.raises(LockLostError):
        former.own("former", lost)
    owner.keep([("key", 1)])
    assert owner.recall("owner") == "new"
    former.close()
    owner.close()


def test_a_journal_whose_file_was_replaced_is_not_written(tmp_path):
    """As by a run with --fresh: SQLite would go on to write the file that has no name any more."""
    path = tmp_path / "journal.sqlite"
    former = Journal(path)
    former.own("token")
    for file in tmp_path.iterdir():
        file.unlink()
    other = Journal(path)
    other.own("token")
    with pytest.raises(ConfigError, match="taken over"):
        former.add([Annotation(make_samples()[0], Plan(), Dialogue("a", "b"))])
    former.close()
    other.close()


_STOPPED = """
import os, signal, sys
from pathlib import Path
from pgen.errors import ConfigError
from pgen.storage.journal import Journal
from pgen.storage.recovery.row_formats import FORMER_KEYS, checked
from pgen.storage.journal_rows import row_of
journal = Journal(Path(sys.argv[1]))
journal.own("former")
journal.keep([("before", 1)])
os.kill(os.getpid(), signal.SIGSTOP)
try:
    journal.keep([("after", 1)])
except ConfigError as error:
    sys.exit(str(error))
"""


def test_an_owner_that_was_stopped_cannot_write_when_it_resumes(tmp_path):
    path = tmp_path / "journal.sqlite"
    process = subprocess.Popen([sys.executable, "-c", _STOPPED, path], stderr=subprocess.PIPE, text=True)
    os.waitpid(process.pid, os.WUNTRACED)
    journal = Journal(path)
    journal.own("new")
    os.kill(process.pid, signal.SIGCONT)
    _, message = process.communicate()
    assert "was taken over by another run" in message
    assert process.returncode == 1
    assert (journal.kept("before"), journal.kept("after")) == (1, None)
    journal.close()
