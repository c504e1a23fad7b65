"""What a verification found: problems, each with its place, and notes on what could not be checked."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHOWN = 20
MOST = 1000
"""Where there are more problems than this, one more says no more."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in `file` (relative to the dataset), in a row (from 0) or column where it has one."""

    file: str
    what: str
    row: int | None = None
    column: str | None = None

    def __str__(self) -> str:
        row = None if self.row is None else f"row {self.row}"
        column = None if self.column is None else f"column {self.column}"
        place = ", ".join(part for part in (self.file, row, column) if part)
        return f"{place}: {self.what}" if place else self.what


@dataclass(slots=True)
class Verification:
    """What came of verifying the dataset at `root`."""

    root: Path
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        problems = [
            {"file": problem.file, "row": problem.row, "column": problem.column, "what": problem.what}
            for problem in self.problems
        ]
        return {"root": str(self.root), "ok": self.ok, "problems": problems, "notes": self.notes}

    def lines(self) -> Iterator[str]:
        """For people: the first problems, one a line, and how many more there are."""
        yield from (_line(str(problem)) for problem in self.problems[:SHOWN])
        if len(self.problems) > SHOWN:
            yield f"… and {len(self.problems) - SHOWN} more"
        yield from (f"note: {_line(note)}" for note in self.notes)
        if self.ok:
            yield f"{self.root}: every check passed"


def _line(text: str) -> str:
    """Text of the data as one line that a terminal can show."""
    return "".join(char if char.isprintable() else "�" for char in text)
