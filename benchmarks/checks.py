"""Precision and recall of each check on dialogues labelled by hand.

On the 200 of tests/plugins/pgen_dialogue/checks/cases.txt, with which the checks were improved, and on 60 held out ones
(held_out.txt). Usage: checks.py [wrong]; `wrong` lists the cases of the 200 in which checks and labels differ.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pgen.components import Check, Context
from pgen.inference import checking
from pgen.records import Annotation, Dialogue, Moment, Plan, Sample, SpanContext
from pgen_dialogue import pgen_checks

CASES = Path(__file__).resolve().parents[1] / "tests" / "plugins" / "pgen_dialogue" / "checks" / "cases.txt"
HELD_OUT = CASES.with_name("held_out.txt")
CODES = {
    "grounding": ("forbids_skill", "other_object", "other_action", "ungrounded"),
    "meta-words": ("meta_words",),
    "label-copy": ("label_copied",),
    "length": ("empty", "too_long"),
    "language": ("language",),
    "duplicates": ("near_duplicate", "repeated"),
}
"""The codes of each check."""


@dataclass(frozen=True, slots=True)
class Case:
    """A dialogue about a moment, in a language, with the codes that a careful reader assigned."""

    sample: Sample
    language: str
    codes: frozenset[str]
    dialogue: Dialogue


def scenes(path: Path = CASES) -> Iterator[list[Case]]:
    """Yield the cases, grouped by episode."""
    for index, block in enumerate(path.read_text(encoding="utf-8").split("\n= ")[1:]):
        top, *lines = [line for line in block.splitlines() if line.strip()]
        task, listed = (part.strip() for part in top.split("|"))
        language, task = task.removeprefix("lang=").split(" ", 1) if task.startswith("lang=") else ("en", task)
        skills = [skill.strip() for skill in listed.split(";")]
        now = next(position for position, skill in enumerate(skills) if skill.startswith("["))
        before, after = tuple(skills[:now]), tuple(skills[now + 1 :])
        span = SpanContext(index, str(index), task, now, skills[now].strip("[]"), before, after)
        cases = []
        for frame, line in enumerate(lines):
            codes, user, robot = (part.strip() for part in line.split("|"))
            sample = Sample(span, Moment(frame, None, ("front",), ("front.jpg",)))
            cases.append(Case(sample, language, frozenset(codes.split("+")) - {"ok"}, Dialogue(user, robot)))
        yield cases


def checked(path: Path = CASES) -> Iterator[tuple[Case, frozenset[str]]]:
    """Yield each case with the codes of the checks."""
    checks: list[Check] = [check() for check in pgen_checks()]
    listed = list(scenes(path))
    run_checks = checking.RunChecks(checks, "en", sum(map(len, listed)))
    for cases in listed:
        run_checks.start_episode()
        for case in cases:
            annotation = Annotation(case.sample, Plan(), case.dialogue)
            annotation = run_checks.checked(checking.checked(annotation, checks, Context(case.language)))
            yield case, frozenset(finding.code for finding in annotation.checks)


def scores(path: Path = CASES) -> dict[str, tuple[int, int, int]]:
    """Return for each check the faulty dialogues with a right code, the others with a code, and those it missed."""
    counts: Counter[tuple[str, str]] = Counter()
    for case, codes in checked(path):
        for name, own in CODES.items():
            expected, actual = case.codes & set(own), codes & set(own)
            counts[name, "right"] += bool(expected & actual)
            counts[name, "wrong"] += bool(actual and not expected & actual)
            counts[name, "missed"] += bool(expected and not expected & actual)
    return {name: (counts[name, "right"], counts[name, "wrong"], counts[name, "missed"]) for name in CODES}


def lines() -> Iterator[str]:
    """Yield the table."""
    yield f"{'':<14}{'200 dialogues':>29}{'60 held out':>31}"
    yield (
        f"{'check':<14}"
        + f"{'faults':>8}{'precision':>12}{'recall':>9}"
        + f"{'faults':>10}{'precision':>12}{'recall':>9}"
    )
    for (name, counts), others in zip(scores().items(), scores(HELD_OUT).values(), strict=True):
        yield f"{name:<14}{_scores(*counts)}  {_scores(*others)}"


def _scores(right: int, wrong: int, missed: int) -> str:
    precision, recall = right / max(right + wrong, 1), right / max(right + missed, 1)
    return f"{right + missed:>8}{precision:>12.2f}{recall:>9.2f}"


def main() -> None:
    for line in lines():
        print(line)
    if sys.argv[1:] == ["wrong"]:
        for case, codes in checked():
            if codes != case.codes:
                dialogue = f"{case.dialogue.user_prompt} | {case.dialogue.robot_utterance}"
                print(f"{case.sample.span.skill}: {dialogue}\n  labelled {set(case.codes)}, found {set(codes)}")


if __name__ == "__main__":
    main()
