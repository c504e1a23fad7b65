"""Group problems of the same kind, with a remedy for each group, the most severe first."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pgen.safety.terminal import printable
from pgen_lerobot.format import EXCHANGES, TASK_ROWS
from pgen_lerobot.verify.problems import Problem, Verification
from pgen_lerobot.write import INFO, LINES, STATS
from pgen_lerobot.write.other_forms import ANNOTATIONS

EXAMPLES = 3
"""Of each group, so many problems are printed."""
GROUPS = 20
"""So many groups are printed."""
_VALUE = re.compile(r"'[^']*'|\"[^\"]*\"|\d+(?:\.\d+)?")
_NUMBER = re.compile(r"\d+")
_ABSENT = ("is missing", "cannot be read", "has no files")

_UNREADABLE = 0, "restore the dataset from a copy, or write it again"
_VIDEO = 1, "copy the file from the dataset that the run read"
_FILE = 1, "restore the file from a copy; `pgen repair` writes those that follow from the lines"
_LABEL = 2, "`pgen repair` derives the labels again from meta/syn_annotations.jsonl"
_TABLE = 3, "`pgen repair` writes it again"
_SKILLS = 2, "undo the edit, or run the command that uses the skills again"
_OTHER = 4, "undo the change, or write the dataset again"


@dataclass(frozen=True, slots=True)
class Group:
    """Problems that differ only in their values: `place` is their file or files, and their column."""

    severity: int
    place: str
    problems: list[Problem]
    remedy: str

    def lines(self) -> Iterator[str]:
        """Yield a heading with the remedy, the first problems, and how many there are besides."""
        count = len(self.problems)
        number = "1 problem" if count == 1 else f"{count:,} problems"
        yield f"{self.place or 'the dataset'}: {number}; {self.remedy}"
        yield from (f"  {problem}" for problem in self.problems[:EXAMPLES])
        if count > EXAMPLES:
            yield f"  … and {count - EXAMPLES:,} more like these"


def lines(result: Verification) -> Iterator[str]:
    """Yield a verification as lines for people: the groups of problems, then the notes."""
    groups = grouped(result.problems)
    texts = [line for group in groups[:GROUPS] for line in group.lines()]
    if len(groups) > GROUPS:
        texts.append(f"… and {len(groups) - GROUPS:,} more kinds of problems; --json lists all")
    texts += [f"note: {note}" for note in result.notes]
    # Text from the data: one line each, safe on a terminal.
    yield from (printable(text).replace("\n", "�") for text in texts)
    if result.ok:
        yield f"{result.root}: every check passed"


def grouped(problems: Iterable[Problem]) -> list[Group]:
    """Return the groups, the most severe first, then in the order of their first problems."""
    groups: dict[tuple[str, str], Group] = {}
    for problem in problems:
        files = _NUMBER.sub("*", problem.file)
        key = (f"{files} {problem.column}", _VALUE.sub("…", problem.what))
        if key not in groups:
            severity, remedy = _severity_and_remedy(problem)
            groups[key] = Group(severity, ", ".join(filter(None, (files, _column(problem)))), [], remedy)
        groups[key].problems.append(problem)
    return sorted(groups.values(), key=lambda group: group.severity)


def _column(problem: Problem) -> str:
    return f"column {problem.column}" if problem.column else ""


def _severity_and_remedy(problem: Problem) -> tuple[int, str]:
    if not problem.file:
        return _UNREADABLE
    if problem.file.startswith("videos/"):
        return _VIDEO
    if any(text in problem.what for text in _ABSENT):
        return _FILE
    if problem.file.startswith("data/") or problem.file in (LINES, EXCHANGES, ANNOTATIONS):
        return _LABEL
    if problem.file in (TASK_ROWS, INFO, STATS) or problem.file.startswith(("meta/tasks", "meta/episodes")):
        return _TABLE
    return _SKILLS if "skills" in problem.file or "segmentation" in problem.file else _OTHER
