"""Results of a damaged journal are recovered, except those with a part on a damaged page."""

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from fault_pages import (
    COUNT,
    FRAME,
    OPTIONS,
    SAMPLES,
    WAL_HEADER,
    JournalFiles,
    annotation,
    overlap,
    overwritten,
    pages_of_options,
    recovered_from,
    write_journal,
)
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pgen.errors import ConfigError
from pgen.records import Annotation, Failure, Plan
from pgen.storage import journal_wal as journal_log
from pgen.storage.journal import Journal
from pgen.storage.recovery.wal_frames import PAGE

FILES = [("in_file", "journal.sqlite"), ("in_wal", "journal.sqlite"), ("in_wal", "journal.sqlite-wal")]


@pytest.fixture(scope="module")
def folder(memory):
    return Path(tempfile.mkdtemp(dir=memory))


@pytest.fixture(scope="module")
def in_file(folder):
    """A journal with all results in the database file."""
    write_journal(folder / "in_file.sqlite").close()
    return JournalFiles(folder / "in_file", folder / "in_file.sqlite")


@pytest.fixture(scope="module")
def in_wal(folder):
    """A journal with all results in the WAL, which is larger than the database file."""
    with closing(write_journal(folder / "in_wal.sqlite")):
        stored = JournalFiles(folder / "in_wal", folder / "in_wal.sqlite")
    assert stored.wal.stat().st_size > stored.file.stat().st_size
    return stored


@pytest.mark.parametrize(("where", "name"), FILES)
def test_a_truncated_file_loses_only_results_in_its_lost_part(request, where, name, tally):
    """Truncate at each page or frame and within it. The WAL has a copy of the options, which is then sufficient."""
    stored, lost = request.getfixturevalue(where), []
    path = stored.folder / name
    content = path.read_bytes()
    for size in [span.start + inside for span, _ in stored.parts(path) for inside in (0, 10, 2000)]:
        numbers = recovered_from(stored, name, content[:size])
        assert numbers >= stored.intact(path, [range(size, len(content))]), size
        lost.append(COUNT - len(numbers))
    tally.add("journal cut off at each page or frame", len(lost), redone=sum(lost))


@pytest.mark.parametrize(("where", "name"), FILES)
def test_a_damaged_page_or_frame_loses_only_the_results_on_it(request, where, name, tally):
    stored, lost = request.getfixturevalue(where), []
    path = stored.folder / name
    content = path.read_bytes()
    for number, (span, _) in enumerate(stored.parts(path)[name == "journal.sqlite" :]):
        numbers = recovered_from(stored, name, overwritten(content, span, zero=number % 2 == 0))
        assert numbers >= stored.intact(path, [span]), span
        lost.append(COUNT - len(numbers))
    tally.add("journal with a damaged page or frame", len(lost), redone=sum(lost))


def test_a_wal_has_the_options_after_a_checkpoint(folder, monkeypatch, tally):
    monkeypatch.setattr(journal_log, "CHECKPOINT", 50)
    with closing(write_journal(folder / "anew.sqlite")) as journal:
        journal.sync()
        journal.add([annotation(0)])
        stored = JournalFiles(folder / "anew", folder / "anew.sqlite")
    assert 0 in recovered_from(stored, "journal.sqlite", stored.file.read_bytes()[:PAGE])
    tally.add("journal with damaged options", 1, redone=0)


@pytest.mark.parametrize("where", ["in_file", "in_wal"])
def test_a_damaged_header_loses_nothing(request, where, tally):
    """Change each byte of the header; set each group of eight bytes to zero; remove each group."""
    stored = request.getfixturevalue(where)
    content = stored.file.read_bytes()
    for at in range(100):
        flipped = content[:at] + bytes([content[at] ^ (0xFF if at % 2 else 1 << at % 8)]) + content[at + 1 :]
        assert len(recovered_from(stored, "journal.sqlite", flipped)) == COUNT, at
    for at in range(0, 100, 8):
        zeroed = overwritten(content, range(at, at + 8), zero=True)
        assert len(recovered_from(stored, "journal.sqlite", zeroed)) == COUNT, at
        assert len(recovered_from(stored, "journal.sqlite", content[:at] + content[at + 8 :])) == COUNT, at
    tally.add("journal with a damaged header", 126, redone=0)


def test_the_header_of_a_wal_with_any_byte_damaged_loses_nothing(in_wal, tally):
    content = in_wal.wal.read_bytes()
    for at in range(WAL_HEADER):
        damaged = overwritten(content, range(at, at + 1))
        assert len(recovered_from(in_wal, "journal.sqlite-wal", damaged)) == COUNT, at
    tally.add("journal with a damaged header", WAL_HEADER, redone=0)


def test_the_options_are_on_three_pages_of_which_one_is_enough(in_file, tally):
    pages = pages_of_options(in_file)
    assert len(pages) == 3
    for intact in pages:
        content = in_file.file.read_bytes()
        for at in {*pages} - {intact}:
            content = content[:at] + bytes(PAGE) + content[at + PAGE :]
        assert len(recovered_from(in_file, "journal.sqlite", content)) == COUNT
    tally.add("journal with damaged options", len(pages), redone=0)


def test_one_bit_of_the_options_loses_nothing(in_file, tally):
    content = in_file.file.read_bytes()
    offsets = [at for page in pages_of_options(in_file) for at in range(page, page + PAGE) if content[at]][::5]
    for at in offsets:
        flipped = content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :]
        assert len(recovered_from(in_file, "journal.sqlite", flipped)) == COUNT, at
    tally.add("journal with damaged options", len(offsets), redone=0)


def test_a_journal_without_its_options_is_refused_with_the_number_of_results_and_stays(folder, in_file):
    path = folder / "lost" / "journal.sqlite"
    path.parent.mkdir()
    content = bytearray(in_file.file.read_bytes())
    for at in pages_of_options(in_file):
        content[at : at + PAGE] = bytes(PAGE)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"options of its 150 results are lost.*--fresh"):
        Journal(path)
    assert path.read_bytes() == content
    assert not [*path.parent.glob("*.aside*"), *path.parent.glob("*.rebuilt*")]


damages = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 2 * PAGE), st.booleans()), max_size=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=damages, end=st.none() | st.floats(0, 1), name=st.sampled_from(["in_file", "in_wal", "in_wal file"]))
@example(parts=[], end=0.0, name="in_wal file")
@example(parts=[], end=0.0, name="in_file")
@example(parts=[], end=0.0, name="in_wal")
def test_all_results_outside_any_damage_are_recovered_or_refused(in_file, in_wal, parts, end, name):
    stored = in_file if name == "in_file" else in_wal
    path = stored.wal if name == "in_wal" else stored.file
    content, spans = path.read_bytes(), []
    for share, length, zero in parts:
        spans.append(range(int(share * len(content)), int(share * len(content)) + length))
        content = overwritten(content, spans[-1], zero)
    if end is not None:
        spans.append(range(int(end * len(content)), len(content)))
        content = content[: spans[-1].start]
    intact = stored.intact(path, spans)
    lost_options = path == stored.file and all(
        any(overlap(span, range(at, at + PAGE)) for span in spans) for at in pages_of_options(stored)
    )
    try:
        assert recovered_from(stored, path.name, content) >= (set() if lost_options else intact)
    except ConfigError:
        assert lost_options


def test_the_results_of_a_truncated_commit_are_recovered_without_a_message(folder, capsys):
    """As after a kill: SQLite would read no frame of that commit."""
    with closing(write_journal(folder / "large.sqlite", COUNT)):
        stored = JournalFiles(folder / "large", folder / "large.sqlite")
    content = stored.wal.read_bytes()
    for size in (len(content) - 1, len(content) - FRAME, len(content) - FRAME * 10):
        intact = stored.intact(stored.wal, [range(size, len(content))])
        assert recovered_from(stored, "journal.sqlite-wal", content[:size]) >= intact
    assert capsys.readouterr().err == ""


def test_a_result_takes_precedence_over_the_failure_that_it_replaced(folder):
    """Both are in the WAL, and the database or the WAL is damaged."""
    with closing(Journal(folder / "failed.sqlite")) as journal:
        journal.claim("options", OPTIONS)
        journal.claim("model", "tiny")
        failures = [Annotation(sample, Plan(), Failure("parse", "no JSON " * 20)) for sample in SAMPLES]
        journal.add(failures)
        for start in range(0, COUNT, 30):
            journal.add([annotation(number) for number in range(start, start + 30)])
        stored = JournalFiles(folder / "failed", folder / "failed.sqlite")
    for at in (0, 18, 100):
        content = overwritten(stored.file.read_bytes(), range(at, at + 8))
        assert len(recovered_from(stored, "journal.sqlite", content)) == COUNT
    assert len(recovered_from(stored, "journal.sqlite-wal", overwritten(stored.wal.read_bytes(), range(8)))) == COUNT
