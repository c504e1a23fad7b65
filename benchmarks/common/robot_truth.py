"""The true spans of a generated episode: those of all arms as one line at each level, and the failed grasps."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Any

SHORTEST = 0.3
"""Seconds: edges of two arms that are closer are one."""

type Span = dict[str, Any]


def levels(spans: Sequence[Span], end: float) -> dict[str, list[Span]]:
    """Return the spans of each level of an episode that ends at `end`, given those of each arm, one after another.

    Each has its skill, and whether it belongs to a failed grasp.
    """
    return {
        "motion": _line(spans, "name", end),
        "skill": _line(spans, "skill", end),
        "failed": list(_attempts([span for span in spans if span["failed"]])),
    }


def _line(spans: Sequence[Span], key: str, end: float) -> list[Span]:
    """Return spans without gaps or overlaps, each named by all that happens in most of it."""
    edges: list[float] = [0.0]
    for time in sorted({time for span in _joined(spans, key) for time in (span["start"], span["end"])}):
        if time - edges[-1] >= SHORTEST - 1e-6 and end - time >= SHORTEST - 1e-6:
            edges.append(time)
    return _joined([_piece(spans, key, start, stop) for start, stop in pairwise([*edges, end])], "name")


def _piece(spans: Sequence[Span], key: str, start: float, stop: float) -> Span:
    named = {of: _happening(spans, of, start, stop) for of in (key, "skill")}
    failed = True in _happening([span for span in spans if span["name"]], "failed", start, stop)
    return {
        "name": " and ".join(named[key]) or "wait",
        "skill": " and ".join(named["skill"]) or "wait",
        "failed": failed,
        "start": start,
        "end": stop,
    }


def _happening(spans: Sequence[Span], key: str, start: float, stop: float) -> list[Any]:
    """Return the values that spans have in most of a stretch of time."""
    lengths: dict[Any, float] = {}
    for span in spans:
        inside = max(0.0, min(stop, span["end"]) - max(start, span["start"]))
        lengths[span[key]] = lengths.get(span[key], 0.0) + inside
    return [value for value, inside in lengths.items() if value != "" and 2 * inside > stop - start]


def _joined(spans: Sequence[Span], key: str) -> list[Span]:
    """Return runs of spans of one name as one span each."""
    runs = [list(run) for _, run in groupby(spans, key=lambda span: (span[key], span["failed"]))]
    return [{**run[0], "end": run[-1]["end"]} for run in runs]


def _attempts(failed: Sequence[Span]) -> Iterator[Span]:
    """Yield each failed grasp, from its closing to its opening."""
    attempts: list[Span] = []
    before: Span = {"name": ""}
    for span in failed:
        # A hesitation divides a span into two of the same name.
        if span["name"].startswith("grasp") and span["name"] != before["name"]:
            attempts.append({"name": span["name"], "start": span["start"], "end": span["end"]})
        attempts[-1]["end"] = span["end"]
        before = span
    yield from attempts
