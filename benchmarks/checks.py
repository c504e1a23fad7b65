"""How many faulty dialogues the checks find, and how many good ones they report, on dialogues labelled by hand.

`checks.py` prints two tables: recall per kind of fault and false alarms on the dialogues of ten authors, who did not
know the rules (checks/author_*.jsonl), and precision and recall of each check on the dialogues of
tests/plugins/pgen_dialogue/checks: 200 with which the checks were improved, and 60 held out ones. `checks.py wrong`
also lists the dialogues of the first author and of the 200 in which checks and labels differ. `checks.py --reviews
DATASET` prints precision and recall of each finding against the verdicts of people in `pgen review`.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pgen.components import Check, Context
from pgen.inference import checking
from pgen.records import Annotation, Dialogue, Moment, Plan, Question, Sample, SpanContext
from pgen_dialogue import pgen_checks

AUTHORS = ("a", "b", "c", "g", "h", "i", "j", "k", "l", "m")
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
"""The codes with which the dialogues in text files are labelled."""


@dataclass(frozen=True, slots=True)
class Case:
    """A dialogue about a moment, in a language, with the codes that a careful reader assigned."""

    sample: Sample
    language: str
    codes: frozenset[str]
    dialogue: Dialogue


def written_by(author: str) -> Iterator[Case]:
    """Yield an author's dialogues, each with the kind of its fault as its only code."""
    path = Path(__file__).with_name("checks") / f"author_{author}.jsonl"
    for index, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        skills, now = tuple(row["skills"]), row["at"]
        span = SpanContext(index, str(index), row["task"], now, skills[now], skills[:now], skills[now + 1 :])
        question = Question(scope=row["scope"], skills=row["stop"] - now)
        sample = Sample(span, Moment(0, None, ("front",), ("front.jpg",)), question)
        codes = frozenset([row["fault"]] if row["fault"] else [])
        yield Case(sample, "en", codes, Dialogue(row["user_prompt"], row["robot_utterance"]))


@cache
def found(author: str) -> list[tuple[Case, frozenset[str]]]:
    """Return each dialogue of an author with the codes of the checks."""
    checks: list[Check] = [check() for check in pgen_checks()]
    cases = list(written_by(author))
    annotations = (Annotation(case.sample, Plan(), case.dialogue) for case in cases)
    results = (checking.checked(annotation, checks, Context("en")).checks for annotation in annotations)
    return [(case, frozenset(finding.code for finding in one)) for case, one in zip(cases, results, strict=True)]


def shares(author: str) -> dict[str, tuple[int, int]]:
    """Return for each kind of fault, and for "" (good dialogues), how many have a finding, and how many there are."""
    counts: dict[str, tuple[int, int]] = {}
    for case, codes in found(author):
        kind = next(iter(case.codes), "")
        with_finding, all_of_kind = counts.get(kind, (0, 0))
        counts[kind] = with_finding + bool(codes), all_of_kind + 1
    return counts


def recall(author: str) -> float:
    """Return the share of an author's faulty dialogues that have a finding."""
    faulty = [count for kind, count in shares(author).items() if kind]
    return sum(with_finding for with_finding, _ in faulty) / sum(all_of_kind for _, all_of_kind in faulty)


def scenes(path: Path = CASES) -> Iterator[list[Case]]:
    """Yield the cases of a text file, grouped by episode."""
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
    """Yield each case of a text file with the codes of the checks."""
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


def author_lines() -> Iterator[str]:
    """Yield the table of the authors' dialogues."""
    counts = {author: shares(author) for author in AUTHORS}
    yield f"{'kind of fault':<22}" + "".join(f"{author.upper():>10}" for author in AUTHORS)
    for kind in sorted(kind for kind in counts["a"] if kind):
        yield f"{kind:<22}" + "".join(f"{_ratio(*counts[author].get(kind, (0, 0))):>10}" for author in AUTHORS)
    yield f"{'recall':<22}" + "".join(f"{recall(author):>10.3f}" for author in AUTHORS)
    yield f"{'false alarms':<22}" + "".join(f"{_ratio(*counts[author]['']):>10}" for author in AUTHORS)


def lines(tiny: bool = False) -> Iterator[str]:
    """Yield the table of the dialogues in text files."""
    yield f"{'':<14}{'200 dialogues':>29}{'60 held out':>31}"
    yield (
        f"{'check':<14}"
        + f"{'faults':>8}{'precision':>12}{'recall':>9}"
        + f"{'faults':>10}{'precision':>12}{'recall':>9}"
    )
    for (name, counts), others in zip(scores().items(), scores(HELD_OUT).values(), strict=True):
        yield f"{name:<14}{_scores(*counts)}  {_scores(*others)}"


def wrong_lines() -> Iterator[str]:
    """Yield the dialogues in which checks and labels differ."""
    listed = [(case, codes) for case, codes in found("a") if bool(codes) != bool(case.codes)]
    listed += [(case, codes) for case, codes in checked() if codes != case.codes]
    for case, codes in listed:
        yield f"{case.sample.span.skill}: {case.dialogue.task}\n  labelled {set(case.codes)}, found {set(codes)}"


def _ratio(part: int, whole: int) -> str:
    return f"{part} of {whole}"


def _scores(right: int, wrong: int, missed: int) -> str:
    precision, share = right / max(right + wrong, 1), right / max(right + missed, 1)
    return f"{right + missed:>8}{precision:>12.2f}{share:>9.2f}"


def main() -> None:
    if sys.argv[1:2] == ["--reviews"]:
        if len(sys.argv) != 3:
            raise SystemExit("name one dataset: python benchmarks/checks.py --reviews DATASET")
        from common.review_cases import review_lines

        for line in review_lines(Path(sys.argv[2])):
            print(line)
        return
    for line in (*author_lines(), "", *lines(), *(wrong_lines() if sys.argv[1:] == ["wrong"] else ())):
        print(line)


if __name__ == "__main__":
    main()
