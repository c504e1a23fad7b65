"""Annotations as lines of `syn_annotations.jsonl` (schema `syn_annotation`): D_syn of Hi Robot, section A.

The first keys are those of a D_labeled line with `user_prompt` and `robot_utterance`; a sample that
failed has null there, and its stage and reason. Costs are left out: the same run gives the same lines.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pgen.components import Results
from pgen.errors import InputError
from pgen.formats.schemas import first_error, validator
from pgen.records import (
    Annotation,
    ClipFrame,
    Dialogue,
    Episode,
    Failure,
    Finding,
    Judgement,
    Moment,
    Plan,
    Question,
    Sample,
    SpanContext,
)
from pgen.safety.bounded_json import json_lines
from pgen.storage.durable import new_text

FILE = "syn_annotations.jsonl"


def to_line(annotation: Annotation, generator: str) -> dict[str, Any]:
    """The annotation as a JSON object."""
    sample, dialogue, failure = annotation.sample, annotation.dialogue, annotation.failure
    return {
        "episode_id": sample.span.episode_id,
        "t": sample.moment.frame_index,
        "images": list(sample.moment.images),
        "skill_current": sample.span.skill,
        "skill_history": list(sample.span.history),
        "task_description": sample.span.task,
        "user_prompt": dialogue.user_prompt if dialogue else None,
        "robot_utterance": dialogue.robot_utterance if dialogue else None,
        "episode_index": sample.span.episode_index,
        "frame_index": sample.moment.frame_index,
        "timestamp": sample.moment.timestamp,
        "variant": sample.question.variant,
        "turn_type": sample.question.turn_type,
        "skill_index": sample.span.skill_index,
        "skill_future": list(sample.span.future),
        "cameras": list(sample.moment.cameras),
        "clip": [list(moment) for moment in sample.moment.clip],
        "scenario_type": dialogue.scenario_type if dialogue else None,
        "response_type": dialogue.response_type if dialogue else None,
        "planned_scenario_type": annotation.plan.scenario_type,
        "planned_response_type": annotation.plan.response_type,
        "checks": [asdict(finding) for finding in annotation.checks],
        "judgement": asdict(annotation.judgement) if annotation.judgement else None,
        "generator": generator,
        "status": "ok" if dialogue else "failed",
        "stage": failure.stage if failure else None,
        "reason": failure.reason if failure else None,
    }


def labeled_sample(line: dict[str, Any], episode_index: int = 0, views: int | None = None) -> Sample:
    """The sample of a D_labeled line (schema `labeled`), with its first `views` images."""
    images = tuple(line["images"][:views])
    span = SpanContext(
        episode_index=episode_index,
        episode_id=line["episode_id"],
        task=line["task_description"],
        skill_index=len(line["skill_history"]),
        skill=line["skill_current"],
        history=tuple(line["skill_history"]),
        future=(),
    )
    moment = Moment(
        frame_index=int(line["t"]),  # to JSON Schema 3.0 is an integer too
        timestamp=line.get("timestamp"),
        cameras=tuple(f"camera {position}" for position in range(len(images))),
        images=images,
    )
    return Sample(span, moment)


def from_line(line: dict[str, Any]) -> Annotation:
    """The annotation of a line that fits the schema; what it cost is not in the line."""
    span = SpanContext(
        episode_index=int(line["episode_index"]),
        episode_id=line["episode_id"],
        task=line["task_description"],
        skill_index=int(line["skill_index"]),
        skill=line["skill_current"],
        history=tuple(line["skill_history"]),
        future=tuple(line["skill_future"]),
    )
    moment = Moment(
        frame_index=int(line["frame_index"]),
        timestamp=line["timestamp"],
        cameras=tuple(line["cameras"]),
        images=tuple(line["images"]),
        clip=tuple(ClipFrame(*frame) for frame in line["clip"]),
    )
    sample = Sample(span, moment, Question(variant=int(line.get("variant", 0)), turn_type=line.get("turn_type")))
    outcome: Dialogue | Failure
    if line["status"] == "ok":
        types = (line["scenario_type"], line["response_type"])
        outcome = Dialogue(line["user_prompt"], line["robot_utterance"], *types)
    else:
        outcome = Failure(line["stage"], line["reason"])
    plan = Plan(line["planned_scenario_type"], line["planned_response_type"])
    checks = tuple(Finding(**finding) for finding in line.get("checks", ()))
    judgement = Judgement(**line["judgement"]) if line.get("judgement") else None
    return Annotation(sample, plan, outcome, checks=checks, judgement=judgement)


def write_lines(path: Path, results: Results) -> None:
    """Write a line for each sample, in the order of the episodes and their frames, durably."""
    for _ in with_lines(path, results.read(), results.generator):
        pass


def with_lines(
    path: Path, annotated: Iterable[tuple[Episode, list[Annotation]]], generator: str
) -> Iterator[tuple[Episode, list[Annotation]]]:
    """The same episodes; what `write_lines` writes of each is written as it is taken, and durable with the last."""
    # Half of a surrogate pair, which no file can hold, becomes what JSON writes for it.
    with new_text(path, "backslashreplace") as file:
        for episode, found in annotated:
            lines = (to_line(annotation, generator) for annotation in found)
            file.writelines(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
            yield episode, found


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, each checked. Raises InputError naming the file and the line's number."""
    check = validator("syn_annotation")
    for number, line in json_lines(path):
        if problem := first_error(check, line):
            raise InputError(f"{path}, line {number}: {problem}")
        yield line
