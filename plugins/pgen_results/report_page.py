"""The report of a run as one page, also as the sink `report`: its metrics, and its episodes with their dialogue."""

from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

from pydantic import Field

from pgen.components import Options, Results, Sink, Source
from pgen.records import Episode, Skill
from pgen_results import page
from pgen_results.metrics import KINDS, POOL, Metrics, compute_metrics, cost
from pgen_results.page import Thumbnails, open_thumbnails, render
from pgen_results.read import POOR, Line, RunResults, codes, from_sink, reasons, scores

FILE = "report.html"
SKILLS_LISTED = 100
REASONS_LISTED = 20
_RECORDED = ("source", "sampler", "prompt", "generator", "sinks", "run", "versions", "repairs")
BINS = 24
"""The most bars of a histogram."""


class ReportOptions(Options):
    price_in: float | None = Field(None, ge=0)
    """Price of a million tokens read."""
    price_out: float | None = Field(None, ge=0)
    """Price of a million tokens written."""
    samples: int = Field(5000, ge=1)
    """The most samples shown one by one; of more, whole episodes are left out, evenly."""
    thumbnails: int = Field(400, ge=0)
    """The most images, evenly spread over those samples."""


def report_page(results: RunResults, options: ReportOptions) -> str:
    """Return the report as HTML; reads the run twice, and the images of its thumbnails."""
    metrics, manifest = compute_metrics(results), results.manifest
    by_samples = sorted(metrics.skills.items(), key=lambda item: (-item[1].samples, item[0]))
    positions = {name: position for position, (name, _) in enumerate(by_samples)}
    with open_thumbnails(results.source, min(metrics.samples, options.samples), options.thumbnails) as thumbnails:
        episodes = [
            _episode(episode, lines, positions, thumbnails)
            for episode, lines in _choose(results, metrics, options.samples)
        ]
    return render(
        "report.html",
        ("page.js", "report.js"),
        {"skills": list(positions), "episodes": episodes, "thumbnails": thumbnails.images, "poor": POOR},
        name=results.name,
        no_images=results.no_images,
        run=manifest,
        options={key: manifest.get(key) for key in _RECORDED},
        metrics=metrics,
        kinds=KINDS,
        cost=cost(manifest, options.price_in, options.price_out),
        measured=min(metrics.answered, POOL),
        skills=by_samples[:SKILLS_LISTED],
        reasons=metrics.reasons.most_common(REASONS_LISTED),
        histograms=[histogram(metrics.prompts.lengths), histogram(metrics.utterances.lengths)],
        listed=sum(len(episode["samples"]) for episode in episodes),
        images=len(thumbnails.images),
        unreadable=thumbnails.unreadable,
    )


def histogram(lengths: dict[int, int]) -> list[tuple[int, int, int]]:
    """Return bars of equal width as (first length, last length, texts), including empty ones."""
    if not lengths:
        return []
    first, last = min(lengths), max(lengths)
    width = ceil((last - first + 1) / BINS)
    edges = range(first, last + 1, width)
    return [(edge, edge + width - 1, sum(lengths.get(edge + i, 0) for i in range(width))) for edge in edges]


def spans(episode: Episode, lines: list[Line]) -> tuple[Skill, ...]:
    """Return the episode's skills; where the input is not available, one span from each skill's first sample on."""
    if episode.skills or not lines:
        return episode.skills
    times = _times(lines)
    skills = [(line["skill_index"], line["skill_current"]) for line in lines]
    starts = [i for i in range(len(lines)) if i == 0 or skills[i] != skills[i - 1]]
    end = times[-1] + max(1.0, (times[-1] - times[0]) / max(1, len(times) - 1))
    edges = pairwise([*(times[i] for i in starts), end])
    return tuple(Skill(skills[i][1], *edge) for i, edge in zip(starts, edges, strict=True))


def _times(lines: list[Line]) -> list[float]:
    """Return the samples' times in seconds, or their positions where the input has no ascending times."""
    times = [line["timestamp"] for line in lines]
    timed = all(time is not None for time in times) and all(a <= b for a, b in pairwise(times))
    return [float(time) for time in (times if timed else range(len(lines)))]


def _choose(results: RunResults, metrics: Metrics, limit: int) -> Iterator[tuple[Episode, list[Line]]]:
    """Yield episodes with at most `limit` samples together: all, or every n-th."""
    step, remaining = ceil(metrics.samples / limit), limit
    with_samples = ((episode, lines) for episode, lines in results.read() if lines)
    for position, (episode, lines) in enumerate(with_samples):
        if position % step == 0 and remaining:
            yield episode, lines[:remaining]
            remaining -= len(lines[:remaining])


def _episode(episode: Episode, lines: list[Line], skills: dict[str, int], thumbnails: Thumbnails) -> dict[str, Any]:
    drawn, times = spans(episode, lines), _times(lines)
    recorded = [episode.timestamps[-1] + 1 / episode.fps] if episode.timestamps else []
    return {
        "id": episode.id,
        "task": episode.task,
        "timed": times == [line["timestamp"] for line in lines],
        "start": min([0.0, *times[:1]]),
        "end": max([*recorded, *(span.end for span in drawn), *times]),
        "spans": [[skills.setdefault(span.name, len(skills)), span.start, span.end] for span in drawn],
        "samples": [_sample(line, time, skills, thumbnails) for line, time in zip(lines, times, strict=True)],
    }


def _sample(line: Line, time: float, skills: dict[str, int], thumbnails: Thumbnails) -> dict[str, Any]:
    values = {
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
        "image": thumbnails.of_line(line),
    }
    return {key: value for key, value in values.items() if value is not None and value is not False and value != []}


_SIZE = 20_000_000
"""An upper estimate of a page's size, in bytes."""


class ReportSink(Sink[ReportOptions]):
    """One page with the numbers of the run and its dialogues, readable without a network."""

    name = "report"

    def needs_bytes(self, source: Source) -> int:
        return _SIZE

    def write(self, results: Results, out: Path) -> None:
        folder = results.source.folder
        name = folder.name if folder and folder.name else "dialogue"
        page.write(out / FILE, report_page(from_sink(results, name), self.options))
