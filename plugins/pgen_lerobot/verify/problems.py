"""The result of a verification: problems with their locations, and notes on what could not be checked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

LIMIT = 1000
"""Further problems are not listed."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem in `file` (relative to the dataset), and in its row (from 0) or column where it has one."""

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
    """The result of verifying the dataset at `root`."""

    root: Path
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        keys = ("file", "row", "column", "what")
        problems = [{key: asdict(problem)[key] for key in keys} for problem in self.problems]
        return {"root": str(self.root), "ok": self.ok, "problems": problems, "notes": self.notes}


def in_input(record: Mapping[str, Any], note: str, count: int) -> bool:
    """Return whether the run counted at least as many in its input, so that they are a note and no problem.

    `record` is the run's manifest.json or segmentation.json.
    """
    repairs = record.get("repairs")
    before = repairs.get(note) if isinstance(repairs, dict) else None
    return isinstance(before, int) and before >= count
