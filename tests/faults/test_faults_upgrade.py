"""Journals of the current format that an earlier commit wrote are continued; those of other formats are refused."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fixture_run import VALUE, Numbered, run

from pgen.errors import ConfigError
from pgen.storage.journal import Journal
from pgen.storage.journal_metadata import COPIES
from pgen.storage.journal_rows import VERSION
from pgen.testing import MemorySink

FIXTURE = Path(__file__).parents[1] / "journals" / f"format-{VERSION}.sqlite"
FAILED = (1, 16)


@pytest.fixture
def path(tmp_path):
    """A copy of the fixture as the journal of an unfinished run."""
    path = tmp_path / ".out.pgen" / "journal.sqlite"
    path.parent.mkdir()
    return shutil.copy(FIXTURE, path)


def test_a_run_requests_only_what_failed_in_a_journal_of_an_earlier_commit(tmp_path, path, capsys, tally):
    with closing(Journal(path)) as journal:
        assert journal.value("fixture") == VALUE
    generator, sink = Numbered(all_answered=True), MemorySink()
    report = run(tmp_path / "out", generator, sink)
    assert {request[:2] for request in generator.requests} == {FAILED}
    assert report.resumed == report.samples - 1 == 13
    assert len(sink.annotations) == 14
    assert all(a.dialogue.user_prompt.startswith(f"Now {a.sample.span.skill}") for a in sink.annotations)
    assert all((a.usage.tokens_in, a.usage.tokens_out) >= (7, 5) for a in sink.annotations)
    assert "aside" not in capsys.readouterr().err
    tally.add("journal of an earlier commit or another format", 1, redone=0)


def test_other_options_are_refused_with_the_number_of_results(tmp_path, path):
    generator = Numbered()
    with pytest.raises(ConfigError, match=r"run.seed: 3, now 4.*--fresh, which requests \d+ results again"):
        run(tmp_path / "out", generator, MemorySink(), seed=4)
    with pytest.raises(ConfigError, match=r"run.language: 'en', now 'de'"):
        run(tmp_path / "out", generator, MemorySink(), language="de")
    assert generator.requests == []


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("version", [0, VERSION - 1, VERSION + 1])
def test_a_journal_of_another_format_is_refused_with_the_number_of_results_and_stays(
    tmp_path, path, version, marked, tally
):
    """The first journals were not marked as those of pgen."""
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute("SELECT count(*) FROM samples WHERE ok").fetchone()
        db.executescript("".join(f"DROP TABLE {table};" for table in COPIES))
        db.execute(f"PRAGMA user_version={version}")
        if not marked:
            db.execute("PRAGMA application_id=0")
    before, generator = path.read_bytes(), Numbered()
    remedy = rf"Use that version, or start anew with --fresh, which requests all {count} results in it again"
    with pytest.raises(ConfigError, match=rf"has format {version}.*{remedy}"):
        run(tmp_path / "out", generator, MemorySink())
    assert path.read_bytes() == before
    assert generator.requests == []
    tally.add("journal of an earlier commit or another format", 1, redone=0)
    run(tmp_path / "out", generator, MemorySink(), fresh=True)
    assert len(generator.requests) >= 14
