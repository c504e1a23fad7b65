"""The report of a run as one page: its numbers, and its episodes with what was said in them."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from pydantic import Field

from pgen.components.options import Options
from pgen.records import Episode
from pgen_results.diversity import POOL
from pgen_results.figures import KINDS, Figures, cost, figures
from pgen_results.page import render
from pgen_results.read import POOR, Line, Told, codes, moments, reasons, scores, spans
from pgen_results.thumbnails import Thumbnails, thumbnails

FILE = "report.html"
SKILLS_LISTED = 100
REASONS_LISTED = 20
BINS = 24
"""Bars of a histogram at most."""


class ReportOptions(Options):
    price_in: float | None = Field(None, ge=0)
    """What a million tokens read cost."""
    price_out: float | None = Field(None, ge=0)
    """What a million tokens written cost."""
    samples: int = Field(5000, ge=1)
    """Samples that can be looked at one by one; of more, whole episodes are left out, evenly."""
    thumbnails: int = Field(400, ge=0)
    """Pictures at most, evenly spread over those samples."""


def report_page(told: Told, options: ReportOptions) -> str:
    """The report as HTML; reads the run twice, and the pictures of its thumbnails."""
    found = figures(told)
    shown = min(found.samples, options.samples)
    with thumbnails(told.source, shown, options.thumbnails) as pictures:
        data = _data(told, found, options.samples, pictures)
    listed = sum(len(episode["samples"]) for episode in data["episodes"])
    return render(
        "report.html",
        ("page.js", "report.js"),
        data,
        told=told,
        manifest=told.manifest,
        figures=found,
        kinds=KINDS,
        cost=cost(told.manifest, options.price_in, options.price_out),
        measured=min(found.answered, POOL),
        skills=_by_samples(found)[:SKILLS_LISTED],
        reasons=found.reasons.most_common(REASONS_LISTED),
        histograms=[histogram(found.prompts.lengths), histogram(found.utterances.lengths)],
        listed=listed,
        pictures=len(pictures.shown),
        unreadable=pictures.unreadable,
    )


def histogram(lengths: dict[int, int]) -> list[tuple[int, int, int]]:
    """Bars of equal width as (first length, last length, texts), empty ones included."""
    if not lengths:
        return []
    first, last = min(lengths), max(lengths)
    width = ceil((last - first + 1) / BINS)
    edges = range(first, last + 1, width)
    return [(edge, edge + width - 1, sum(lengths.get(edge + i, 0) for i in range(width))) for edge in edges]


def _by_samples(found: Figures) -> list[tuple[str, Any]]:
    return sorted(found.skills.items(), key=lambda item: (-item[1].samples, item[0]))


def _data(told: Told, found: Figures, limit: int, pictures: Thumbnails) -> dict[str, Any]:
    skills: dict[str, int] = {name: place for place, (name, _) in enumerate(_by_samples(found))}
    episodes = [_episode(episode, lines, skills, pictures) for episode, lines in _chosen(told, found.samples, limit)]
    return {"skills": list(skills), "episodes": episodes, "thumbnails": pictures.shown, "poor": POOR}


def _chosen(told: Told, samples: int, limit: int) -> Iterator[tuple[Episode, list[Line]]]:
    """Episodes with at most `limit` samples together: all of them, or each so many."""
    step, left = ceil(samples / limit), limit
    with_samples = ((episode, lines) for episode, lines in told.read() if lines)
    for place, (episode, lines) in enumerate(with_samples):
        if place % step == 0 and left:
            yield episode, lines[:left]
            left -= len(lines[:left])


def _episode(episode: Episode, lines: list[Line], skills: dict[str, int], pictures: Thumbnails) -> dict[str, Any]:
    drawn = spans(episode, lines)
    times = moments(lines)
    return {
        "id": episode.id,
        "task": episode.task,
        "timed": times == [line["timestamp"] for line in lines],
        "start": min([0.0, *times[:1]]),
        "end": _end(episode, max([span.end for span in drawn] + times)),
        "spans": [[skills.setdefault(span.name, len(skills)), span.start, span.end] for span in drawn],
        "samples": [_sample(line, time, skills, pictures) for line, time in zip(lines, times, strict=True)],
    }


def _end(episode: Episode, drawn: float) -> float:
    return max(drawn, episode.timestamps[-1] + 1 / episode.fps) if episode.timestamps else drawn


def _sample(line: Line, time: float, skills: dict[str, int], pictures: Thumbnails) -> dict[str, Any]:
    told = {
        "time": round(time, 3),
        "frame": line["frame_index"],
        "skill": skills[line["skill_current"]],
        "user": line["user_prompt"],
        "robot": line["robot_utterance"],
        "scenario": line["scenario_type"] or line["planned_scenario_type"],
        "response": line["response_type"] or line["planned_response_type"],
        "failed": line["status"] == "failed",
        "codes": codes(line),
        "reasons": reasons(line),
        "scores": scores(line.get("judgement")),
        "picture": pictures.of(line),
    }
    return {key: value for key, value in told.items() if value is not None and value is not False and value != []}
