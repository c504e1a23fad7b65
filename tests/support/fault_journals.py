"""Journals that are damaged at random, and what a run recovers from them."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from pgen.api import annotate
from pgen.components import Source
from pgen.errors import ConfigError, StorageError
from pgen.records import Annotation
from pgen.storage.journal import Journal
from pgen.testing import FakeGenerator, FakeSource, MemorySink, make_episode
from pgen_samplers.samplers import EveryFrame


@dataclass(frozen=True, slots=True)
class Journals:
    """A source, the results of a complete run, and the folders of two journals that hold them."""

    source: Source
    results: list[Annotation]
    folders: list[Path]


OPTIONS: dict[str, Any] = {"sampler": EveryFrame(), "prompt": "seed", "checks": ()}


def make_journals(base: Path) -> Journals:
    """Make two journals: one with its results in the WAL, one with them in the database."""
    source = FakeSource(*(make_episode(index=index) for index in range(2)))
    sink = MemorySink()
    base = Path(tempfile.mkdtemp(dir=base))
    annotate(source, base / "plain", generator=FakeGenerator(), sink=sink, **OPTIONS)
    folders = []
    for name in ("wal", "file"):
        folder = base / name / ".out.pgen"
        folder.mkdir(parents=True)
        open_journal = write_journal(source, folder / "journal.sqlite", sink)
        if name == "file":
            open_journal.close()
        shutil.copytree(folder, base / f"{name}-copy")
        open_journal.close()
        folders.append(base / f"{name}-copy")
    return Journals(source, sink.annotations, folders)


class Stopped(MemorySink):
    """Ends the run once all results are committed."""

    def write(self, results: object, out: Path) -> None:
        raise StorageError("stopped")


def write_journal(source: Source, path: Path, sink: MemorySink) -> Journal:
    """Write the journal of a run with all results; return it open."""
    with suppress(StorageError):
        annotate(source, path.parent.with_name("out"), generator=FakeGenerator(), sink=Stopped(), **OPTIONS)
    journal = Journal(path)
    # In groups, as a run does, so that the WAL has many commits.
    groups = [sink.annotations[start : start + 7] for start in range(0, len(sink.annotations), 7)]
    for group in groups:
        journal.add(group)
    return journal


def damage_file(path: Path, rng: Random) -> range:
    """Flip a bit or truncate the file; return the damaged range."""
    content = bytearray(path.read_bytes())
    at = rng.randrange(len(content))
    if rng.random() < 0.5:
        content[at] ^= 1 << rng.randrange(8)
        span = range(at, at + 1)
    else:
        span = range(at, len(content))
        del content[at:]
    path.write_bytes(content)
    return span


def intact_pages(path: Path, span: range) -> Iterator[bytes]:
    """Yield the pages of a database or a WAL outside the damaged range."""
    content = path.read_bytes() if path.exists() else b""
    start, step = (32, 24 + 4096) if path.name.endswith("-wal") else (0, 4096)
    for at in range(start, len(content), step):
        if span.stop <= at or at + step <= span.start:
            page = content[at : at + step]
            yield page[:-4096] + without_free_space(page[-4096:])


def without_free_space(page: bytes) -> bytes:
    """Return a page of a table without the remains of deleted and moved rows in its free space.

    The layout is that of https://www.sqlite.org/fileformat2.html#b_tree_pages.
    """
    if page[0] != 13:  # not a leaf page of a table
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


def intact_content(folder: Path, name: str, span: range) -> bytes:
    """Return the undamaged pages of both files of a journal."""
    files = ("journal.sqlite", "journal.sqlite-wal")
    return b"".join(page for file in files for page in intact_pages(folder / file, span if file == name else range(0)))


def damage_journals(journals: Journals, folder: Path, count: int, rng: Random) -> int:
    """Damage `count` journals and resume from each; return how many results were requested again.

    No result may differ, and no request may be repeated for a result on an undamaged page.
    """
    redone = recovered = 0
    for index in range(count):
        requests, stored = _resume_damaged(journals, folder, index, rng)
        redone, recovered = redone + requests, recovered + stored
    assert redone <= count * len(journals.results) - recovered
    return redone


def _resume_damaged(journals: Journals, target: Path, index: int, rng: Random) -> tuple[int, int]:
    out, work, folder = target / f"out{index}", target / f".out{index}.pgen", journals.folders[index % 2]
    shutil.copytree(folder, work)
    files = sorted(path for path in work.glob("journal.sqlite*") if path.suffix != ".sqlite-shm")
    path = rng.choice([path for path in files if path.stat().st_size])
    content = intact_content(folder, path.name, damage_file(path, rng))
    generator, sink, refusal = FakeGenerator(), MemorySink(), ""
    options = {"generator": generator, "sink": sink, **OPTIONS}
    with redirect_stderr(StringIO()) as messages:
        try:
            annotate(journals.source, out, **options)
        except ConfigError as error:
            refusal = str(error)
            annotate(journals.source, out, **options, fresh=True)
    if refusal:
        assert re.search("options of its .* results are lost", refusal)
        assert b"max_pixels" not in content, "an undamaged page has the options"
    set_aside = re.findall(r"was set aside as (\S+);", messages.getvalue())
    assert all(Path(name).exists() for name in set_aside), "a journal was deleted"
    results = journals.results
    assert [(a.sample, a.outcome) for a in sink.annotations] == [(a.sample, a.outcome) for a in results], index
    assert len({request.sample for request in generator.requests}) == len(generator.requests)
    stored = sum(a.dialogue.user_prompt.encode() in content for a in results) if b"max_pixels" in content else 0
    assert len(results) - len(generator.requests) >= stored, index
    remaining = {path.name.removesuffix("-wal").removesuffix("-shm") for path in work.glob("*")}
    assert remaining <= {"journal.sqlite.aside-1"}
    return len(generator.requests), stored
