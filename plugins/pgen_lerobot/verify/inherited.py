"""What the input of a run had already: the run counted it in its record, so that it is a note and no problem."""

from collections.abc import Mapping
from typing import Any


def inherited(record: Mapping[str, Any], note: str, count: int) -> bool:
    """Whether the run whose record this is (manifest.json, segmentation.json) noted as many in its input."""
    repairs = record.get("repairs")
    before = repairs.get(note) if isinstance(repairs, dict) else None
    return isinstance(before, int) and before >= count
