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
from pgen.formats.schemas import first_error, validator
from pgen.safety.bounded_json import read_json
from pgen_lerobot.format import Dataset, unlisted_notes
from pgen_lerobot.verify import lerobot
from pgen_lerobot.verify import metadata as meta
from pgen_lerobot.verify import other_forms as forms
from pgen_lerobot.verify import segmentation as skills
from pgen_lerobot.verify import shards as frames
from pgen_lerobot.verify.expected_labels import Expected
from pgen_lerobot.verify.problems import MOST, Problem, Verification
from pgen_lerobot.write import shard_names

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
    refusal = ""
    try:
        unlisted_notes(dataset)
    except PgenError as error:
        refusal = str(error)
        yield Problem("", refusal)
    for problem in _problems_of(dataset, shards, found.notes, with_lerobot):
        if not refusal or refusal not in problem.what:  # other checks fail for it too, in the same words
            yield problem


def _problems_of(
    dataset: Dataset, shards: list[tuple[str, bool]], notes: list[str], with_lerobot: bool
) -> Iterator[Problem]:
    """The problems of a dataset that can be opened."""
    if (dataset.root / skills.RECORD).is_file() and not (dataset.root / MANIFEST).exists():
        yield from skills.problems(dataset, notes)
        if with_lerobot:
            yield from lerobot.problems(dataset, notes)
        return
    manifest: dict[str, Any] = {}
    yield from _read_manifest(dataset.root, manifest)
    yield from meta.problems(dataset, manifest, notes)
    yield from frames.problems(dataset, shards, manifest, Expected(dataset, manifest), notes)
    yield from forms.problems(dataset, shards, manifest, notes)
    if with_lerobot:
        yield from lerobot.problems(dataset, notes)


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
