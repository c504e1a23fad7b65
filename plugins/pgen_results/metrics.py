"""Compute the metrics of a run from its annotations, in one pass, and its cost from the manifest.

Shares are of the samples that have a value. Diversity is measured on at most `POOL` answers, a seeded sample.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import nsmallest
from operator import itemgetter
from random import Random
from typing import Any

from pgen.labels import frame_ranges
from pgen.records import Episode
from pgen_results.counts import Metrics, Place, Scene, ScopeUse
from pgen_results.diversity import measure, most_repeated, words
from pgen_results.lines import (
    KINDS,
    Line,
    badness,
    chosen,
    codes,
    is_poor,
    is_scene,
    moment,
    other_types,
    scope,
    scores,
    seen,
    skills,
    worst_severity,
)
from pgen_results.read import RunResults

PLACES = 3
"""The most places that are listed of each reason to fail."""
POOL = 20_000
"""The most answers of which diversity is measured, because n-grams of more would not fit a laptop's memory."""


def compute_metrics(results: RunResults, seed: int = 0) -> Metrics:
    """Return the metrics of a run, reading it once."""
    metrics, prompts = Metrics(), Counter[str]()
    answers = _sample(_count_all(results, metrics, prompts), seed)
    metrics.prompts = measure((prompt for prompt, _ in answers), seed)
    metrics.utterances = measure((utterance for _, utterance in answers), seed)
    metrics.repeated = most_repeated(prompts)
    return metrics


def cost(manifest: dict[str, Any], price_in: float | None, price_out: float | None) -> float | None:
    """Return the cost of the tokens at prices per million, those of the judge too; None where no price is given."""
    if price_in is None and price_out is None:
        return None
    counted = [manifest["tokens"], judge_tokens(manifest)]
    return float(sum(it["in"] * (price_in or 0.0) + it["out"] * (price_out or 0.0) for it in counted)) / 1e6


def judge_tokens(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the tokens of the judge, which earlier versions did not store."""
    tokens: dict[str, Any] = (manifest.get("judge") or {}).get("tokens", {"in": 0, "out": 0})
    return tokens


def _sample(answers: Iterable[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    """Return at most POOL answers in their order: those with the smallest random keys, so no more are in memory."""
    draw = Random(seed)
    keyed = ((draw.random(), number, answer) for number, answer in enumerate(answers))
    return [answer for _, _, answer in sorted(nsmallest(POOL, keyed), key=itemgetter(1))]


def _count_all(results: RunResults, metrics: Metrics, prompts: Counter[str]) -> Iterator[tuple[str, str]]:
    """Count every annotation, and yield the prompt and utterance of those with a dialogue."""
    for episode, lines in results.read():
        metrics.episodes += 1
        _count_frames(metrics, episode, lines)
        metrics.moments += len({moment(line) for line in lines})
        metrics.scenes += _scenes(lines)
        metrics.badness += bytes(map(badness, lines))
        if lines:
            metrics.sizes.append(len(lines))
        for line in lines:
            _count(metrics, line)
            if line["status"] == "ok":
                prompts[line["user_prompt"]] += 1
                yield line["user_prompt"], line["robot_utterance"]


def _scenes(lines: Iterable[Line]) -> list[Scene]:
    """Return the moments whose images contradict the labels, each once."""
    contradicted = {moment(line): line for line in lines if is_scene(line)}.values()
    return [Scene(_place(line), line["skill_current"], seen(line)) for line in contradicted]


def _place(line: Line) -> Place:
    return Place(line["episode_index"], line["episode_id"], line["frame_index"], line["timestamp"])


def _count(metrics: Metrics, line: Line) -> None:
    skill, of_scope = metrics.skills[line["skill_current"]], metrics.scopes[scope(line)]
    metrics.samples += 1
    skill.samples += 1
    of_scope.samples += 1
    _count_types(metrics.planned, line, "planned_")
    if review := line.get("review"):
        metrics.reviews[review["state"]] += 1
    if is_scene(line):
        metrics.contradicted += 1
        return
    if line["status"] == "failed":
        metrics.failed[line["stage"]] += 1
        _count_reason(metrics, line)
        return
    metrics.answered += 1
    skill.answered += 1
    _count_in_scope(of_scope, line)
    _count_types(metrics.achieved, line)
    metrics.agreed.update(kind for kind in KINDS if line[kind] is not None and line[kind] == line[f"planned_{kind}"])
    metrics.checked = metrics.checked or "checks" in line
    metrics.checks.update(set(codes(line)))
    _count_problems(metrics, line)
    metrics.judged += bool(line.get("judgement"))
    if choice := chosen(line):
        metrics.choices += 1
        metrics.followed += choice == line["skill_current"]
    for name, score, _ in scores(line.get("judgement")):
        metrics.scores[name][score] += 1


def _count_reason(metrics: Metrics, line: Line) -> None:
    reason = line["stage"], line["reason"]
    metrics.reasons[reason] += 1
    places, place = metrics.places[reason], _place(line)
    if len(places) < PLACES and place not in places:
        places.append(place)


def _count_problems(metrics: Metrics, line: Line) -> None:
    if worst := worst_severity(line):
        metrics.flagged[worst] += 1
    metrics.poor += is_poor(line)
    metrics.with_plan += any(line[f"planned_{kind}"] is not None for kind in KINDS)
    metrics.unplanned += bool(other_types(line))


def _count_types(counts: dict[str, Counter[str]], line: Line, prefix: str = "") -> None:
    for kind in KINDS:
        if (name := line[f"{prefix}{kind}"]) is not None:
            counts[kind][name] += 1


def _count_in_scope(counts: ScopeUse, line: Line) -> None:
    counts.answered += 1
    counts.words += len(words(line["user_prompt"]))
    counts.skills += len(skills(line))
    counts.frames += (line.get("stop") or 0) - (line.get("start") or 0)
    counts.found += bool(codes(line))


def _count_frames(metrics: Metrics, episode: Episode, lines: Iterable[Line]) -> None:
    """Count the frames of each span, and those over which a dialogue is in force."""
    covered = bytearray(len(episode.timestamps))
    for line in lines:
        if line.get("start") is not None:
            covered[line["start"] : line["stop"]] = b"\1" * len(covered[line["start"] : line["stop"]])
    for position, frames in enumerate(frame_ranges(episode)):
        for counts in (metrics, metrics.skills[episode.skills[position].name]):
            counts.frames += len(frames)
            counts.labelled += sum(covered[frames.start : frames.stop])
