"""Verify a dataset that pgen wrote: LeRobot reads it, and each frame has the right dialogue.

The check does not depend on how the dataset was written: the labels are computed again from syn_annotations.jsonl
and the skills, and compared with the column frame by frame. A dataset with skills and without dialogue, as
`pgen segment` writes it, is compared with its skills.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pgen.errors import PgenError
from pgen_lerobot.format import MANIFEST, Dataset, unlisted_notes
from pgen_lerobot.verify import lerobot, metadata, other_forms, segmentation, shards, skills_files
from pgen_lerobot.verify.expected_labels import ExpectedLabels
from pgen_lerobot.verify.problems import LIMIT, Problem, Verification
from pgen_lerobot.write import shard_names

_NO_MANIFEST = "the file is missing; without it nobody can tell how the dialogues were made"


def verify(root: Path | str, *, with_lerobot: bool = True) -> Verification:
    """Check everything that can be checked; `with_lerobot` opens the dataset with lerobot, if installed."""
    result = Verification(Path(root))
    problems = _problems(result, with_lerobot)
    result.problems += islice(problems, LIMIT)
    if next(problems, None) is not None:
        result.problems.append(Problem("", f"there are more than these {LIMIT} problems"))
    return result


def _problems(result: Verification, with_lerobot: bool) -> Iterator[Problem]:
    try:
        dataset = Dataset(result.root)
        names = list(shard_names(dataset))
    except PgenError as error:
        yield Problem("", str(error))
        return
    refusal = ""
    try:
        unlisted_notes(dataset)
    except PgenError as error:
        refusal = str(error)
        yield Problem("", refusal)
    for problem in _problems_of(dataset, names, result.notes):
        if not refusal or refusal not in problem.what:  # other checks fail with the same message
            yield problem
    if with_lerobot:
        yield from lerobot.problems(dataset, result.notes)


def _problems_of(dataset: Dataset, names: list[tuple[str, bool]], notes: list[str]) -> Iterator[Problem]:
    if (dataset.root / segmentation.RECORD).is_file() and not (dataset.root / MANIFEST).exists():
        yield from segmentation.problems(dataset, notes)
        return
    # Without a valid manifest the checks fall back on defaults.
    manifest: dict[str, Any] = {}
    yield from segmentation.read_record(dataset.root, MANIFEST, "manifest", manifest, _NO_MANIFEST)
    yield from metadata.problems(dataset, manifest, notes)
    yield from skills_files.problems(dataset.root, manifest, notes)
    expected = ExpectedLabels(dataset, manifest)
    yield from shards.problems(dataset, names, manifest, expected, notes)
    notes += expected.notes
    yield from other_forms.problems(dataset, names, manifest, notes)
