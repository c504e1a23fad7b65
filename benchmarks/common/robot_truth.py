"""The true spans of a generated episode: those of all arms as one line at each level, and the failed grasps."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

SHORTEST = 0.3
"""Seconds: edges of two arms that are closer are one."""

type Span = dict[str, Any]


def levels(spans: Sequence[Span], end: float) -> dict[str, list[Span]]:
    """Return the spans of each level of an episode that ends at `end`, given those of each arm, one after another."""
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
    pieces = [_piece(spans, key, start, stop) for start, stop in zip(edges, [*edges[1:], end], strict=True)]
    return _joined(pieces, "name")


def _piece(spans: Sequence[Span], key: str, start: float, stop: float) -> Span:
    lengths: dict[str, float] = {}
    for span in spans:
        inside = max(0.0, min(stop, span["end"]) - max(start, span["start"]))
        lengths[span[key]] = lengths.get(span[key], 0.0) + inside
    happening = [name for name, inside in lengths.items() if name and 2 * inside > stop - start]
    return {"name": " and ".join(happening) or "wait", "start": start, "end": stop}


def _joined(spans: Sequence[Span], key: str) -> list[Span]:
    """Return runs of spans of one name as one span each."""
    runs = [list(run) for _, run in groupby(spans, key=lambda span: span[key])]
    return [{"name": run[0][key], "start": run[0]["start"], "end": run[-1]["end"]} for run in runs]


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
