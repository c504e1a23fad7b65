"""A blind review: it shows no findings, no scores of a judge, and no verdicts of other people."""

from collections.abc import Iterable
from pathlib import Path

from pgen.errors import ConfigError
from pgen_results.reading import Line, other_types
from pgen_review.events import Event

HIDDEN = ("problem", "finding", "judge", "type")
"""The facets that a blind review does not have."""


def blinded(line: Line) -> Line:
    """Return a line without what checks and judges said of its dialogue, and without the types that were planned."""
    plans = {f"planned_{kind}": None for kind in other_types(line)}
    return {**line, **plans, "checks": [], "judgement": None}


def check_own(folder: Path, events: Iterable[Event], by: str) -> None:
    """Raise ConfigError where another person made events of a review, or verdicts were merged into it."""
    others = {event.by for event in events if event.by != by or "verdicts" in event.value}
    if others:
        raise ConfigError(
            f"the review of {folder} has verdicts of {', '.join(sorted(others))}, which --blind must not show; review "
            "a copy of the result as the run wrote it, without its hidden folder."
        )
