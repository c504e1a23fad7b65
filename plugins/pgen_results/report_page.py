"""The report of a run as one page, also as the sink `report`: its metrics, and its episodes with their dialogue."""

from collections.abc import Iterator
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

from pydantic import Field

from pgen.components import Options, Results, Sink, Source
from pgen.records import SCOPES, Episode, Skill
from pgen_results import page
from pgen_results.clock import Clock
from pgen_results.lines import POOR, Line, chosen, codes, is_failure, is_scene, moment, reasons, scope, scores, skills
from pgen_results.metrics import KINDS, POOL, Metrics, compute_metrics, cost
from pgen_results.page import Thumbnails, open_thumbnails, render
from pgen_results.read import RunResults, from_sink

FILE = "report.html"
SKILLS_LISTED = 100
REASONS_LISTED = 20
SCENES_LISTED = 100
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
    listed = ceil(metrics.moments * min(1.0, options.samples / max(1, metrics.samples)))
    with open_thumbnails(results.source, listed, options.thumbnails) as thumbnails:
        episodes = [
            _episode(episode, lines, positions, thumbnails)
            for episode, lines in _choose(results, metrics, options.samples)
        ]
    shown = [sample for episode in episodes for sample in episode["samples"]]
    return render(
        "report.html",
        ("page.js", "report.js"),
        {
            "skills": list(positions),
            "scopes": SCOPES,
            "episodes": episodes,
            "thumbnails": thumbnails.images,
            "poor": POOR,
        },
        name=results.name,
        no_images=results.no_images,
        run=manifest,
        options={key: manifest.get(key) for key in _RECORDED},
        metrics=metrics,
        kinds=KINDS,
        scopes=[(name, metrics.scopes[name]) for name in SCOPES if name in metrics.scopes],
        scenes=metrics.scenes[:SCENES_LISTED],
        cost=cost(manifest, options.price_in, options.price_out),
        measured=min(metrics.answered, POOL),
        skills=by_samples[:SKILLS_LISTED],
        reasons=metrics.reasons.most_common(REASONS_LISTED),
        histograms=[histogram(metrics.prompts.lengths), histogram(metrics.utterances.lengths)],
        listed=len(shown),
        images=sum("image" in sample for sample in shown),
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
    clock = Clock(episode, lines)
    times = [clock.of_line(line) for line in lines]
    names = [(line["skill_index"], line["skill_current"]) for line in lines]
    starts = [i for i in range(len(lines)) if i == 0 or names[i] != names[i - 1]]
    end = times[-1] + max(1.0, (times[-1] - times[0]) / max(1, len({*times}) - 1))
    edges = pairwise([*(times[i] for i in starts), end])
    return tuple(Skill(names[i][1], *edge) for i, edge in zip(starts, edges, strict=True))


def _choose(results: RunResults, metrics: Metrics, limit: int) -> Iterator[tuple[Episode, list[Line]]]:
    """Yield episodes with at most `limit` samples together: all, or every n-th."""
    step, remaining = ceil(metrics.samples / limit), limit
    with_samples = ((episode, lines) for episode, lines in results.read() if lines)
    for position, (episode, lines) in enumerate(with_samples):
        if position % step == 0 and remaining:
            yield episode, lines[:remaining]
            remaining -= len(lines[:remaining])


def _episode(episode: Episode, lines: list[Line], skills: dict[str, int], thumbnails: Thumbnails) -> dict[str, Any]:
    drawn, clock = spans(episode, lines), Clock(episode, lines)
    images: dict[tuple[int, int], int | None] = {}
    for line in lines:
        if moment(line) not in images:
            images[moment(line)] = thumbnails.of_line(line)
    samples = [{**_sample(line, clock, skills), "image": images[moment(line)]} for line in lines]
    recorded = [episode.timestamps[-1] + 1 / episode.fps] if episode.timestamps else []
    ends = [sample["until"] for sample in samples if sample.get("until") is not None]
    return {
        "id": episode.id,
        "task": episode.task,
        "timed": clock.timed,
        "start": min([0.0, *(sample["time"] for sample in samples[:1])]),
        "end": max([*recorded, *ends, *(span.end for span in drawn), *(sample["time"] for sample in samples)]),
        "spans": [[skills.setdefault(span.name, len(skills)), span.start, span.end] for span in drawn],
        "samples": [_without_nothing(sample) for sample in samples],
    }


def _sample(line: Line, clock: Clock, positions: dict[str, int]) -> dict[str, Any]:
    return {
        "time": round(clock.of_line(line), 3),
        "frame": line["frame_index"],
        "skill": positions[line["skill_current"]],
        "scope": scope(line),
        "skills": skills(line)[1:],
        **_in_force(line, clock),
        "user": line["user_prompt"],
        "robot": line["robot_utterance"],
        "scenario": line["scenario_type"] or line["planned_scenario_type"],
        "response": line["response_type"] or line["planned_response_type"],
        "failed": is_failure(line),
        "scene": is_scene(line),
        "codes": codes(line),
        "reasons": reasons(line),
        "scores": scores(line.get("judgement")),
        "chosen": chosen(line) or None,
    }


def _in_force(line: Line, clock: Clock) -> dict[str, Any]:
    """Return the frames over which the dialogue is in force, and their times."""
    if line.get("start") is None:
        return {}
    start, stop = line["start"], line["stop"]
    return {"frames": [start, stop], "from": clock.of_frame(start), "until": clock.of_frame(stop)}


def _without_nothing(values: dict[str, Any]) -> dict[str, Any]:
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
