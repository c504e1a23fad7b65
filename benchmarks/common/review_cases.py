"""How far the checks agree with people: the verdicts of a reviewed dataset as cases."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from pgen.formats.syn_annotations import from_line, read_lines
from pgen.records import Annotation
from pgen_lerobot.read import read_manifest
from pgen_review.checks import Checks
from pgen_review.events import Key
from pgen_review.fold import Fold
from pgen_review.results import original_line
from pgen_review.starting import applied, lines_of

ANY = "any finding"


def verdicts(fold: Fold) -> dict[Key, bool]:
    """Return for each dialogue whether a person thought it bad, without those that were edited without a reason."""
    in_force = set(fold.undoable)
    refused = {event.key for event in fold.events if event.kind == "reject" and event.group in in_force}
    states = {key: fold.outcome(key).state for key in fold.changed()}
    bad = {key: True for key, state in states.items() if state == "rejected" or (state == "edited" and key in refused)}
    return bad | {key: False for key, state in states.items() if state == "accepted"}


def cases(dataset: Path) -> Iterator[tuple[frozenset[str], bool]]:
    """Yield for each verdict the codes that the checks find in the original dialogue, and whether it is bad."""
    lines = lines_of(dataset)
    if lines is None:
        raise SystemExit(f"{dataset} contains no dialogue; name an output of pgen annotate.")
    wanted, checks = verdicts(Fold(applied(dataset))), Checks(read_manifest(dataset))
    originals = (from_line(original_line(line)) for line in read_lines(lines))
    for _, annotations in groupby(originals, key=lambda annotation: annotation.sample.span.episode_index):
        checks.start_episode()
        for annotation in annotations:
            yield from _case(annotation, wanted, checks)


def _case(annotation: Annotation, wanted: dict[Key, bool], checks: Checks) -> Iterator[tuple[frozenset[str], bool]]:
    codes = frozenset(finding.code for finding in checks.findings(annotation))
    key = Key.of(annotation)
    if key in wanted and annotation.dialogue:
        yield codes, wanted[key]


def review_lines(dataset: Path) -> Iterator[str]:
    """Yield the table: for each code, its findings, their precision, and their recall of the bad dialogues."""
    counts, verdict_counts = Counter[tuple[str, bool]](), Counter[bool]()
    for codes, bad in cases(dataset):
        verdict_counts[bad] += 1
        counts.update((code, bad) for code in [*codes, *([ANY] if codes else [])])
    if not verdict_counts:
        raise SystemExit(f"{dataset} has no verdict; accept and reject dialogues with pgen review, and use --apply.")
    yield f"{verdict_counts[True]:,} bad and {verdict_counts[False]:,} good dialogues, as people said"
    yield f"{'finding':<22}{'dialogues':>10}{'precision':>11}{'recall':>8}"
    for code in [ANY, *sorted({code for code, _ in counts} - {ANY})]:
        right, wrong = counts[code, True], counts[code, False]
        precision, recall = right / max(right + wrong, 1), right / max(verdict_counts[True], 1)
        yield f"{code:<22}{right + wrong:>10}{precision:>11.2f}{recall:>8.2f}"
