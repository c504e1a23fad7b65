"""Journals of readable formats that an earlier commit wrote are continued; those of other formats are refused."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from fixture_run import VALUE, Numbered, run

from pgen.errors import ConfigError
from pgen.storage.journal import Journal
from pgen.storage.journal_metadata import COPIES
from pgen.storage.journal_rows import READABLE, VERSION
from pgen.testing import MemorySink

FIXTURES = Path(__file__).parents[1] / "journals"
FAILED = (1, 16)


@pytest.fixture
def fixture(request):
    """The format of the journal: the current one, unless a test names others."""
    return getattr(request, "param", VERSION)


@pytest.fixture
def path(tmp_path, fixture):
    """A copy of a journal of that format as that of an unfinished run."""
    path = tmp_path / ".out.pgen" / "journal.sqlite"
    path.parent.mkdir()
    return shutil.copy(FIXTURES / f"format-{fixture}.sqlite", path)


def format_of(path):
    with closing(sqlite3.connect(path)) as db:
        return db.execute("PRAGMA user_version").fetchone()[0]


every_format = pytest.mark.parametrize("fixture", sorted(READABLE), indirect=True)


@every_format
def test_a_run_requests_only_what_failed_in_a_journal_of_an_earlier_commit(tmp_path, path, fixture, capsys, tally):
    assert format_of(path) == fixture
    with closing(Journal(path)) as journal:
        assert journal.value("fixture") == VALUE
    assert format_of(path) == VERSION  # so that a version that reads only the former format refuses it
    generator, sink = Numbered(all_answered=True), MemorySink()
    report = run(tmp_path / "out", generator, sink)
    assert {request[:2] for request in generator.requests} == {FAILED}
    assert report.resumed == report.samples - 1 == 13
    assert len(sink.annotations) == 14
    assert all(a.dialogue.user_prompt.startswith(f"Now {a.sample.span.skill}") for a in sink.annotations)
    assert all((a.usage.tokens_in, a.usage.tokens_out) >= (7, 5) for a in sink.annotations)
    tokens = sink.manifest["tokens"]
    assert tokens["images"] == (None if fixture == 6 else tokens["in"] * 3 // 7)
    assert "aside" not in capsys.readouterr().err
    tally.add("journal of an earlier commit or another format", 1, redone=0)


@every_format
def test_other_options_are_refused_with_the_number_of_results(tmp_path, path):
    generator = Numbered()
    with pytest.raises(ConfigError, match=r"run.seed: 3, now 4.*--fresh, which requests \d+ results again"):
        run(tmp_path / "out", generator, MemorySink(), seed=4)
    with pytest.raises(ConfigError, match=r"run.language: 'en', now 'de'"):
        run(tmp_path / "out", generator, MemorySink(), language="de")
    assert generator.requests == []


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("version", [0, min(READABLE) - 1, VERSION + 1])
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


@every_format
def test_a_damaged_page_costs_at_most_its_own_results_in_every_format(path, fixture, capsys):
    content = path.read_bytes()
    for page in range(1, len(content) // 4096):
        damaged = content[: page * 4096] + bytes(4096) + content[(page + 1) * 4096 :]
        path.write_bytes(damaged)
        with closing(Journal(path)) as journal:
            assert journal.metadata("options")["run"]["seed"] == 3
        assert format_of(path) == VERSION
        for aside in path.parent.glob("*.aside-*"):
            aside.unlink()
