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
    """Every tenth answer continues on overflow pages."""
    return number % 10 == 0


def annotation(number):
    """An answer that repeats its number, so that each page with a part of it shows that."""
    times = 1000 if is_long(number) else Random(number).randrange(30, 200)
    return Annotation(SAMPLES[number], Plan(), Dialogue(f"<{number:05}>" * times, "Yes"))


def write(path, group=7):
    """A journal with all answers, still open; with groups that are committed one by one, as a run does."""
    journal = Journal(path)
    journal.claim("options", OPTIONS)
    journal.claim("model", "tiny")
    for start in range(0, COUNT, group):
        journal.add([annotation(number) for number in range(start, min(start + group, COUNT))])
    return journal


class Stored:
    """The files of a journal in a folder, and what has parts of which answers."""

    def __init__(self, folder, source):
        self.folder = folder
        folder.mkdir()
        for ending in ("", "-wal"):
            if (path := source.with_name(source.name + ending)).exists():
                shutil.copy(path, folder / f"journal.sqlite{ending}")
        self.file = folder / "journal.sqlite"
        self.wal = folder / "journal.sqlite-wal"

    def parts(self, path):
        """For each page of a file, the bytes it has, and the numbers of the answers that it has parts of."""
        return parts_of(path, *((WAL_HEADER, FRAME) if path == self.wal else (0, PAGE)))

    def stored_in(self, path):
        return set().union(*(numbers for _, numbers in self.parts(path)))

    def whole(self, path, damaged):
        """The numbers of the answers that are whole where those bytes of a file are damaged."""
        touched, others = set(), set()
        for span, numbers in self.parts(path):
            (touched if any(meet(span, place) for place in damaged) else others).update(numbers)
        here = {number for number in others if not is_long(number) or number not in touched}
        return here | self.stored_in(self.file if path == self.wal else self.wal)


@cache
def parts_of(path, start, step):
    content = path.read_bytes() if path.exists() else b""
    spans = [range(offset, offset + step) for offset in range(start, len(content), step)]
    return [(span, {int(n) for n in re.findall(rb"<(\d{5})>", content[span.start : span.stop])}) for span in spans]


def meet(one, other):
    return one.start < other.stop and other.start < one.stop


def recovered(stored, name, content):
    """The numbers of the answers that a journal gives once a file of it has another content."""
    with tempfile.TemporaryDirectory(dir=stored.folder.parent) as folder:
        for path in stored.folder.iterdir():
            shutil.copy(path, folder)
        (Path(folder) / name).write_bytes(content)
        with closing(Journal(Path(folder) / "journal.sqlite")) as journal:
            answers = list(journal.get_all(SAMPLES))
            missing = journal.unanswered(SAMPLES)
            if any(answers):
                journal.claim("options", OPTIONS)
                journal.claim("model", "tiny")
        numbers = {number for number, answer in enumerate(answers) if answer}
        assert all(answers[number] == annotation(number) for number in numbers), "an answer is another"
        assert missing == [sample for number, sample in enumerate(SAMPLES) if number not in numbers]
    return numbers


def overwritten(content, span, zero=False):
    """A file's content with zeros or random bytes at a place."""
    length = len(content[span.start : span.stop])
    return (
        content[: span.start] + (bytes(length) if zero else Random(span.start).randbytes(length)) + content[span.stop :]
    )


def pages_of_options(stored):
    content = stored.file.read_bytes()
    return [at for at in range(PAGE, len(content), PAGE) if b"fake" in content[at : at + PAGE]]
