"""Annotations as lines of `syn_annotations.jsonl` (schema `syn_annotation`): D_syn of Hi Robot, section A.

The first keys are those of a D_labeled line, with `user_prompt` and `robot_utterance`, which are null for a failed
sample. `scope` and `skills` say what an exchange leads to, `start` and `stop` over which frames it is in force (their
positions in the episode, half-open; null without a dialogue). `review` is there where a person reviewed the dialogue.
Usage is left out, so that the same run gives the same
lines.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pgen.components import Results
from pgen.errors import InputError
from pgen.formats.reviews import outcome_values, review_entry, with_outcome, with_review
from pgen.formats.schemas import validator
from pgen.labels import Exchange, exchanges
from pgen.records import (
    Annotation,
    ClipFrame,
    Episode,
    Failure,
    Moment,
    Plan,
    Question,
    Sample,
    SpanContext,
)
from pgen.safety.bounded_json import json_lines
from pgen.storage.durable import new_text

FILE = "syn_annotations.jsonl"


def to_line(annotation: Annotation, generator: str, exchange: Exchange | None = None) -> dict[str, Any]:
    """Return an annotation as a JSON object; `exchange` is its dialogue with the frames over which it is in force."""
    span, moment, question = annotation.sample.span, annotation.sample.moment, annotation.sample.question
    values = outcome_values(annotation)
    written_by = (annotation.review and annotation.review.generator) or generator
    line = {
        "episode_id": span.episode_id,
        "t": moment.frame_index,
        "images": list(moment.images),
        "skill_current": span.skill,
        "skill_history": list(span.history),
        "task_description": span.task,
        "user_prompt": values["user_prompt"],
        "robot_utterance": values["robot_utterance"],
        "scope": question.scope,
        "start": exchange.start if exchange else None,
        "stop": exchange.stop if exchange else None,
        "skills": list(annotation.sample.skills),
        "episode_index": span.episode_index,
        "frame_index": moment.frame_index,
        "timestamp": moment.timestamp,
        "running": moment.running,
        "variant": question.variant,
        "turn_type": question.turn_type,
        "skill_index": span.skill_index,
        "skill_future": list(span.future),
        "cameras": list(moment.cameras),
        "clip": [list(frame) for frame in moment.clip],
        "scenario_type": values["scenario_type"],
        "response_type": values["response_type"],
        "planned_scenario_type": annotation.plan.scenario_type,
        "planned_response_type": annotation.plan.response_type,
        "planned_excluded": annotation.plan.excluded,
        "planned_absent": annotation.plan.absent,
        "checks": values["checks"],
        "judgement": values["judgement"],
        "generator": written_by,
        "status": values["status"],
        "stage": values["stage"],
        "reason": values["reason"],
    }
    return {**line, "review": review_entry(annotation.review)} if annotation.review else line


def labeled_sample(line: dict[str, Any], episode_index: int = 0, views: int | None = None) -> Sample:
    """Return the sample of a D_labeled line (schema `labeled`), with its first `views` images."""
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
    """Return the annotation of a line that fits the schema, without its usage."""
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
        running=line.get("running", 0.0),
    )
    question = Question(
        variant=int(line.get("variant", 0)),
        scope=line.get("scope", "step"),
        skills=len(line.get("skills", [span.skill])),
        turn_type=line.get("turn_type"),
    )
    sample = Sample(span, moment, question)
    names = ("scenario_type", "response_type", "excluded", "absent")
    plan = Plan(**{name: line.get(f"planned_{name}") for name in names})
    annotation = Annotation(sample, plan, Failure("parse", ""))
    return with_review(with_outcome(annotation, line), line)


def write_lines(path: Path, results: Results) -> None:
    """Write a line for each sample, in the order of the episodes and their frames, durably."""
    for _ in with_lines(path, results.read(), results.generator):
        pass


def lines_of(episode: Episode, annotations: Sequence[Annotation], generator: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of an episode: of its annotations, except those of counterfactuals."""
    in_force = {it.annotation.sample: it for it in exchanges(episode, annotations)}
    factual = (it for it in annotations if not it.sample.question.counterfactual)
    yield from (to_line(it, generator, in_force.get(it.sample)) for it in factual)


def with_lines(
    path: Path, annotated: Iterable[tuple[Episode, list[Annotation]]], generator: str
) -> Iterator[tuple[Episode, list[Annotation]]]:
    """Yield the same episodes, and write the lines of each before it; the file is durable after the last."""
    # UTF-8 cannot encode half of a surrogate pair; it is written as the JSON escape of it.
    with new_text(path, "backslashreplace") as file:
        for episode, annotations in annotated:
            lines = lines_of(episode, annotations, generator)
            file.writelines(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)
            yield episode, annotations


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file, each validated. Raises InputError with the file and the line's number."""
    check = validator("syn_annotation")
    for number, line in json_lines(path):
        if problem := check.first_error(line):
            raise InputError(f"{path}, line {number}: {problem}")
        yield line


class LineFile:
    """A file of lines to read several times. It is validated the first time, and again only where it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._validated: tuple[int, ...] | None = None

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield the lines as `read_lines` does."""
        status = self.path.stat()
        state = status.st_ino, status.st_size, status.st_mtime_ns
        if state == self._validated:
            yield from (line for _, line in json_lines(self.path))
            return
        yield from read_lines(self.path)
        self._validated = state
