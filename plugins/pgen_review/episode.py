"""An episode as data of the page: its frames, cameras, spans, samples, and the label of each frame.

Labels come from `pgen.labels.label`, as those of the dataset do, so that the page shows what a policy learns.
"""

from typing import Any

from pgen.labels import label
from pgen.records import Annotation
from pgen_results.reading import (
    Line,
    badness,
    chosen,
    described,
    failure,
    findings,
    is_scene,
    other_types,
    scope,
    scores,
)
from pgen_review.added import is_added
from pgen_review.blind import blinded
from pgen_review.events import Key
from pgen_review.fold import Fold
from pgen_review.results import Review
from pgen_review.reviewed import ReviewedEpisode, originals


def episode_data(review: Review, index: int, fold: Fold) -> dict[str, Any]:
    """Return an episode of the review, after the events of `fold`, as JSON."""
    reviewed = ReviewedEpisode(review, index, fold)
    episode, annotations = reviewed.episode, reviewed.annotations
    lines = map(blinded, reviewed.lines) if review.blind else reviewed.lines
    samples = zip(reviewed.keys, lines, reviewed.originals, annotations, strict=True)
    positions = {id(annotation): position for position, annotation in enumerate(annotations)}
    stretches = label(episode, annotations, review.labelling)
    spans = reviewed.state(Key.of_spans(index))
    indices = list(review.episodes)
    place = indices.index(index)
    return {
        "index": index,
        "id": episode.id,
        "task": episode.task,
        "place": place,
        "previous": indices[place - 1] if place else None,
        "next": indices[place + 1] if place + 1 < len(indices) else None,
        "fps": episode.fps,
        "times": [round(time, 4) for time in episode.timestamps],
        "cameras": review.pictures.cameras_of(index),
        "spans": spans["spans"],
        "item": spans.get("item"),
        "conflict": spans["conflict"],
        "edits": fold.number(Key.of_spans(index)),
        "samples": [
            _sample(line, reviewed.state(key), original, annotation) for key, line, original, annotation in samples
        ],
        "labels": [
            [it.start, it.stop, positions[id(it.annotation)] if it.annotation else None, it.spoken] for it in stretches
        ],
    }


def _sample(line: Line, state: dict[str, Any], original: Annotation, present: Annotation) -> dict[str, Any]:
    is_open = is_added(original)
    failed = None if is_open else failure(line)
    return {
        "id": state["sample"],
        "key": state["key"],
        "review": state,
        "frame": line["frame_index"],
        "start": state["start"],
        "stop": state["stop"],
        "scope": scope(line),
        "skills": list(present.sample.skills),
        "user": state["user"],
        "robot": state["robot"],
        "scenario": state["scenario"] or line["planned_scenario_type"],
        "response": state["response"] or line["planned_response_type"],
        "original": originals(original) if state["changed"] else None,
        "planned": {kind: line[f"planned_{kind}"] for kind in other_types(line)},
        "failure": failed and {"stage": failed[0], "reason": failed[1], "scene": is_scene(line)},
        "findings": [[*reversed(described(code)), reason] for code, reason in findings(line)],
        "scores": scores(line.get("judgement")),
        "chosen": chosen(line) or None,
        "badness": 0 if is_open else badness(line),
        "added": is_open,
    }
