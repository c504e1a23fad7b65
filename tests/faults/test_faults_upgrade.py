"""Journals of each format that there was: a run of today goes on with them, and asks nothing that they answer."""

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pgen.errors import ConfigError
from pgen.storage.journal import Journal
from pgen.storage.recovery.row_formats import VERSION
from pgen.testing import MemorySink

FIXTURES = Path(__file__).parents[1] / "journals"
sys.path.insert(0, str(FIXTURES))

from fixture_run import KEPT, Numbered, run  # noqa: E402

FORMER = sorted(path.stem for path in FIXTURES.glob("*.sqlite"))
FAILED = (1, 16, "")


@pytest.fixture
def work(tmp_path):
    folder = tmp_path / ".out.pgen"
    folder.mkdir()
    return folder


def placed(work, name):
    """A copy of a fixture where the journal of a run is."""
    return Path(shutil.copy(FIXTURES / f"{name}.sqlite", work / "journal.sqlite"))


def answered_in(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT count(*) FROM samples WHERE ok").fetchone()[0]


def test_there_is_a_fixture_of_each_format():
    versions = set()
    for name in FORMER:
        with closing(sqlite3.connect(FIXTURES / f"{name}.sqlite")) as db:
            versions.add(db.execute("PRAGMA user_version").fetchone()[0])
    assert versions == {*range(VERSION)} - {1}  # there never was a format 1


@pytest.mark.parametrize("name", FORMER)
def test_a_run_asks_nothing_that_a_journal_of_a_former_format_answers(tmp_path, work, name, capsys, tally):
    before, answers = placed(work, name).read_bytes(), answered_in(FIXTURES / f"{name}.sqlite")
    generator, sink = Numbered(all_answered=True), MemorySink()
    report = run(tmp_path / "out", generator, sink)
    assert {asked for asked in generator.asked if not asked[2]} == {FAILED}
    if not name.startswith("format-0"):  # a former version without checks asked nothing a second time
        assert {asked[:2] for asked in generator.asked} == {FAILED[:2]}
    assert report.resumed == report.samples - 1 == 13
    assert len(sink.annotations) == 14
    assert all(a.dialogue.user_prompt.startswith(f"Now {a.sample.span.skill}") for a in sink.annotations)
    assert all((a.usage.tokens_in, a.usage.tokens_out) >= (7, 5) for a in sink.annotations)
    assert f"{answers} results in it are intact and were recovered" in capsys.readouterr().err
    assert (work / "journal.sqlite.aside-1").read_bytes() == before
    tally.add("journal of a former or a later version", 1, redone=0)


@pytest.mark.parametrize("name", FORMER)
def test_other_options_are_refused_with_the_number_of_answers_whatever_the_format(tmp_path, work, name):
    placed(work, name)
    answers = answered_in(FIXTURES / f"{name}.sqlite")
    generator = Numbered()
    with pytest.raises(ConfigError, match=rf"run.seed: 3, now 4.*--fresh, which requests {answers} results again"):
        run(tmp_path / "out", generator, MemorySink(), seed=4)
    with pytest.raises(ConfigError, match=r"run.language: 'en', now 'de'"):  # also where the format had no languages
        run(tmp_path / "out", generator, MemorySink(), language="de")
    assert generator.asked == []
    run(tmp_path / "out", Numbered(all_answered=True), MemorySink())


@pytest.mark.parametrize("name", [name for name in FORMER if not name.startswith("format-0")])
def test_a_kept_answer_of_another_form_is_taken_over(work, name):
    with closing(Journal(placed(work, name))) as journal:
        assert journal.value("fixture") == KEPT
        journal.add_values([("fixture", "newer")])
        assert journal.value("fixture") == "newer"


@pytest.mark.parametrize("name", FORMER)
def test_a_journal_that_was_taken_over_is_one_of_today(tmp_path, work, name, capsys):
    path = placed(work, name)
    Journal(path).close()
    capsys.readouterr()
    Journal(path).close()
    assert capsys.readouterr().err == ""
    assert len(list(work.glob("*.aside-?"))) == 1


@pytest.mark.parametrize("name", [name for name in FORMER if not name.startswith("format-0")])
@pytest.mark.parametrize("where", [0, 24, 4096 * 2])
def test_a_damaged_journal_of_a_former_format_keeps_its_whole_answers(work, name, where, capsys):
    """Its header, and the root of a table or an index."""
    path = placed(work, name)
    content = bytearray(path.read_bytes())
    content[where : where + 8] = bytes(8)
    path.write_bytes(content)
    with closing(Journal(path)) as journal:
        assert journal.metadata("options")["run"]["seed"] == 3
    assert answered_in(path) >= answered_in(FIXTURES / f"{name}.sqlite") - content.count(b"Now ", where, where + 4096)


def test_a_damaged_journal_without_checksums_is_refused_and_stays(work):
    path = placed(work, "format-0")
    with closing(sqlite3.connect(path)) as db:
        (key,) = db.execute("SELECT min(key) FROM samples").fetchone()
    content = path.read_bytes().replace(key.encode(), b"z" + key[1:].encode())  # no longer in order
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"no checksums.*--fresh"):
        Journal(path)
    assert path.read_bytes() == content


def test_a_journal_of_a_later_format_is_refused_with_its_answers_and_stays(tmp_path, work, tally):
    path = work / "journal.sqlite"
    with closing(sqlite3.connect(placed(work, "format-4"))) as db:
        db.execute(f"PRAGMA user_version={VERSION + 1}")
    before = path.read_bytes()
    generator = Numbered()
    with pytest.raises(ConfigError, match=rf"has format {VERSION + 1}.*Update pgen, or .*--fresh, .*all 21 results"):
        run(tmp_path / "out", generator, MemorySink())
    assert path.read_bytes() == before
    assert generator.asked == []
    tally.add("journal of a former or a later version", 1, redone=0)
    run(tmp_path / "out", generator, MemorySink(), fresh=True)
    assert len(generator.asked) >= 14
