"""Journals that are damaged at random, and what a run recovers of them."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random

from pgen.api import annotate
from pgen.components import Source
from pgen.errors import ConfigError, StorageError
from pgen.records import Annotation
from pgen.storage.journal import Journal
from pgen.testing import FakeGenerator, FakeSource, MemorySink, make_episode
from pgen_samplers.samplers import EveryFrame


@dataclass(frozen=True, slots=True)
class Journals:
    """A source, the results of a whole run of it, and the folders of two journals with them."""

    source: Source
    results: list[Annotation]
    folders: list[Path]


def make_journals(memory: Path) -> Journals:
    """Make two journals: one with its results in the WAL, one with them in the database."""
    source = FakeSource(*(make_episode(index=index) for index in range(2)))
    sink = MemorySink()
    memory = Path(tempfile.mkdtemp(dir=memory))
    annotate(source, memory / "plain", generator=FakeGenerator(), sampler=EveryFrame(), prompt="seed", sink=sink)
    folders = []
    for name in ("wal", "file"):
        folder = memory / name / ".out.pgen"
        folder.mkdir(parents=True)
        open_journal = filled(source, folder / "journal.sqlite", sink)
        if name == "file":
            open_journal.close()
        shutil.copytree(folder, memory / f"{name}-copy")
        open_journal.close()
        folders.append(memory / f"{name}-copy")
    return Journals(source, sink.annotations, folders)


class Stopped(MemorySink):
    """Ends the run once all results are committed."""

    def write(self, results: object, out: Path) -> None:
        raise StorageError("enough")


def filled(source: Source, path: Path, sink: MemorySink) -> Journal:
    """Write the journal of a run with all results; it stays open."""
    with suppress(StorageError):
        options = {"generator": FakeGenerator(), "sampler": EveryFrame(), "prompt": "seed", "sink": Stopped()}
        annotate(source, path.parent.with_name("out"), **options)
    journal = Journal(path)
    # In groups, as a run does, so that the WAL has many commits.
    groups = [sink.annotations[start : start + 7] for start in range(0, len(sink.annotations), 7)]
    for group in groups:
        journal.add(group)
    return journal


def damage(path: Path, rng: Random) -> range:
    """Flip a bit or cut the file off; return the damaged range."""
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    if rng.random() < 0.5:
        content[at] ^= 1 << rng.randrange(8)
        place = range(at, at + 1)
    else:
        place = range(at, len(content))
        del content[at:]
    path.write_bytes(content)
    return place


def whole_pages(path: Path, place: range) -> Iterator[bytes]:
    """Yield the pages of a database or a WAL outside the damaged range."""
    content = path.read_bytes() if path.exists() else b""
    start, step = (32, 24 + 4096) if path.name.endswith("-wal") else (0, 4096)
    for at in range(start, len(content), step):
        if place.stop <= at or at + step <= place.start:
            page = content[at : at + step]
            yield page[:-4096] + live(page[-4096:])


def live(page: bytes) -> bytes:
    """Return a page of a table without what deleted and moved rows have left in its free space.

    The layout is that of https://www.sqlite.org/fileformat2.html#b_tree_pages.
    """
    if page[0] != 13:  # no leaf of a table
        return page
    cells, start = (int.from_bytes(page[at : at + 2]) for at in (3, 5))
    cleared = bytearray(page)
    cleared[8 + 2 * cells : start] = bytes(max(0, start - 8 - 2 * cells))
    block = int.from_bytes(page[1:3])
    while block:
        following, size = (int.from_bytes(page[at : at + 2]) for at in (block, block + 2))
        cleared[block : block + size] = bytes(size)
        block = following
    return bytes(cleared)


def whole_content(folder: Path, name: str, place: range) -> bytes:
    """Return the undamaged pages of both files of a journal."""
    files = ("journal.sqlite", "journal.sqlite-wal")
    return b"".join(page for file in files for page in whole_pages(folder / file, place if file == name else range(0)))


def damage_journals(journals: Journals, place: Path, count: int, rng: Random) -> int:
    """Damage that many journals and resume from each; return how many results were requested again.

    No result may be another, and no request may be repeated for a result on an undamaged page.
    """
    redone = recovered = 0
    for index in range(count):
        requests, stored = _resume_damaged(journals, place, index, rng)
        redone, recovered = redone + requests, recovered + stored
    assert redone <= count * len(journals.results) - recovered
    return redone


def _resume_damaged(journals: Journals, place: Path, index: int, rng: Random) -> tuple[int, int]:
    out, work, folder = place / f"out{index}", place / f".out{index}.pgen", journals.folders[index % 2]
    shutil.copytree(folder, work)
    files = sorted(path for path in work.glob("journal.sqlite*") if path.suffix != ".sqlite-shm")
    path = rng.choice([path for path in files if path.stat().st_size])
    content = whole_content(folder, path.name, damage(path, rng))
    generator, sink, refusal = FakeGenerator(), MemorySink(), ""
    options = {"generator": generator, "sampler": EveryFrame(), "prompt": "seed", "sink": sink}
    with redirect_stderr(StringIO()) as messages:
        try:
            annotate(journals.source, out, **options)
        except ConfigError as error:
            refusal = str(error)
            annotate(journals.source, out, **options, fresh=True)
    if refusal:
        assert re.search("options of its .* results are lost", refusal)
        assert b"max_pixels" not in content, "an undamaged page has the options"
    named = re.findall(r"was set aside as (\S+);", messages.getvalue())
    assert all(Path(name).exists() for name in named), "a journal is gone"
    whole = journals.results
    assert [(a.sample, a.outcome) for a in sink.annotations] == [(a.sample, a.outcome) for a in whole], index
    assert len({request.sample for request in generator.requests}) == len(generator.requests)
    stored = sum(a.dialogue.user_prompt.encode() in content for a in whole) if b"max_pixels" in content else 0
    assert len(whole) - len(generator.requests) >= stored, index
    kept = {path.name.removesuffix("-wal").removesuffix("-shm") for path in work.glob("*")}
    assert kept <= {"journal.sqlite.aside-1"}
    return len(generator.requests), stored
