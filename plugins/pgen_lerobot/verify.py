"""Verifies a dataset that pgen wrote: that LeRobot reads it, and that each frame has the right dialogue.

The heart is independent of how the dataset was written: the labels are made again from the lines of
syn_annotations.jsonl and the skills, and compared with the column, frame by frame. What holds skills and no
dialogue yet, as `pgen segment` writes it, is held to those.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pgen.errors import InputError, PgenError
from pgen.schema import first_error, validator
from pgen.sidefiles import read_json
from pgen_lerobot import strays
from pgen_lerobot.dataset import Dataset
from pgen_lerobot.verifying import forms, frames, lerobot, meta, skills
from pgen_lerobot.verifying.labels import Expected
from pgen_lerobot.verifying.problems import MOST, Problem, Verification
from pgen_lerobot.writing.shards import shard_names

MANIFEST = "meta/pgen/manifest.json"


def verify(root: Path | str, *, with_lerobot: bool = True) -> Verification:
    """Check everything that can be checked; `with_lerobot` opens the dataset with lerobot, if installed."""
    found = Verification(Path(root))
    problems = _problems(found, with_lerobot)
    found.problems += islice(problems, MOST)
    if next(problems, None) is not None:
        found.problems.append(Problem("", f"there are more than these {MOST} problems"))
    return found


def _problems(found: Verification, with_lerobot: bool) -> Iterator[Problem]:
    try:
        dataset = Dataset(found.root)
        shards = list(shard_names(dataset))
    except PgenError as error:
        yield Problem("", str(error))
        return
    try:
        strays.notes(dataset)
    except PgenError as error:  # which would fail the other checks in the same words
        yield Problem("", str(error))
        found.notes.append("nothing else was checked")
        return
    if (found.root / skills.RECORD).is_file() and not (found.root / MANIFEST).exists():
        yield from skills.problems(dataset, found.notes)
        if with_lerobot:
            yield from lerobot.problems(dataset, found.notes)
        return
    manifest: dict[str, Any] = {}
    yield from _read_manifest(found.root, manifest)
    yield from meta.problems(dataset, manifest, found.notes)
    yield from frames.problems(dataset, shards, manifest, Expected(dataset, manifest), found.notes)
    yield from forms.problems(dataset, shards, manifest, found.notes)
    if with_lerobot:
        yield from lerobot.problems(dataset, found.notes)


def _read_manifest(root: Path, manifest: dict[str, Any]) -> Iterator[Problem]:
    """Fills `manifest`; what is missing in it makes some checks fall back on defaults."""
    try:
        content = read_json(root / MANIFEST)
    except FileNotFoundError:
        yield Problem(MANIFEST, "the file is missing; without it nobody can tell how the dialogues were made")
        return
    except InputError as error:
        yield Problem(MANIFEST, str(error).removeprefix(f"{root / MANIFEST} "))
        return
    if isinstance(content, dict):
        manifest |= content
    if wrong := first_error(validator("manifest"), content):
        yield Problem(MANIFEST, f"does not fit the schema `manifest` at {wrong}")
