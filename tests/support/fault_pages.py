"""Journals whose pages or frames are damaged, and which results have a part on which of them."""

import re
import shutil
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from random import Random

from altered import altered

from pgen.records import Annotation, Dialogue, Plan
from pgen.storage.journal import Journal
from pgen.storage.recovery.wal_frames import FRAME_HEADER, PAGE
from pgen.testing import make_samples

COUNT = 150
OPTIONS = {"generator": {"name": "fake"}, "seed": 1}
FRAME = FRAME_HEADER + PAGE
WAL_HEADER = 32
SAMPLES = [altered(make_samples()[0], frame_index=number) for number in range(COUNT)]


def is_long(number):
    """Return whether a result continues on overflow pages: every tenth one."""
    return number % 10 == 0


def annotation(number):
    """Return a result whose text repeats its number, so that each page with a part of it contains the number."""
    times = 1000 if is_long(number) else Random(number).randrange(30, 200)
    return Annotation(SAMPLES[number], Plan(), Dialogue(f"<{number:05}>" * times, "Yes"))


def write_journal(path, group=7):
    """Write a journal with all results, in groups as a run does; return it open."""
    journal = Journal(path)
    journal.claim("options", OPTIONS)
    journal.claim("model", "tiny")
    for start in range(0, COUNT, group):
        journal.add([annotation(number) for number in range(start, min(start + group, COUNT))])
    return journal


class JournalFiles:
    """The files of a journal in a folder, and the results that each of their pages has a part of."""

    def __init__(self, folder, source):
        self.folder = folder
        folder.mkdir()
        for ending in ("", "-wal"):
            if (path := source.with_name(source.name + ending)).exists():
                shutil.copy(path, folder / f"journal.sqlite{ending}")
        self.file = folder / "journal.sqlite"
        self.wal = folder / "journal.sqlite-wal"

    def parts(self, path):
        """Return the range of each page of a file, with the numbers of the results that it has a part of."""
        return page_contents(path, *((WAL_HEADER, FRAME) if path == self.wal else (0, PAGE)))

    def stored_in(self, path):
        return set().union(*(numbers for _, numbers in self.parts(path)))

    def intact(self, path, damaged):
        """Return the numbers of the results without a part on a damaged range of a file."""
        touched, untouched = set(), set()
        for span, numbers in self.parts(path):
            (touched if any(overlap(span, part) for part in damaged) else untouched).update(numbers)
        intact = {number for number in untouched if not is_long(number) or number not in touched}
        return intact | self.stored_in(self.file if path == self.wal else self.wal)


@cache
def page_contents(path, start, step):
    content = path.read_bytes() if path.exists() else b""
    spans = [range(offset, offset + step) for offset in range(start, len(content), step)]
    return [(span, {int(n) for n in re.findall(rb"<(\d{5})>", content[span.start : span.stop])}) for span in spans]


def overlap(first, second):
    return first.start < second.stop and second.start < first.stop


def recovered_from(stored, name, content):
    """Return the numbers of the results that a journal returns after one of its files has another content."""
    with tempfile.TemporaryDirectory(dir=stored.folder.parent) as folder:
        for path in stored.folder.iterdir():
            shutil.copy(path, folder)
        (Path(folder) / name).write_bytes(content)
        with closing(Journal(Path(folder) / "journal.sqlite")) as journal:
            results = list(journal.get_all(SAMPLES))
            missing = journal.unanswered(SAMPLES)
            if any(results):
                journal.claim("options", OPTIONS)
                journal.claim("model", "tiny")
        numbers = {number for number, result in enumerate(results) if result}
        assert all(results[number] == annotation(number) for number in numbers), "a result differs"
        assert missing == [sample for number, sample in enumerate(SAMPLES) if number not in numbers]
    return numbers


def overwritten(content, span, zero=False):
    """Return the content with zeros or random bytes in a range."""
    length = len(content[span.start : span.stop])
    return (
        content[: span.start] + (bytes(length) if zero else Random(span.start).randbytes(length)) + content[span.stop :]
    )


def pages_of_options(stored):
    content = stored.file.read_bytes()
    return [at for at in range(PAGE, len(content), PAGE) if b"fake" in content[at : at + PAGE]]
