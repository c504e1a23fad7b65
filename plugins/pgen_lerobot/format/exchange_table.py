"""The tables beside the column: every exchange in meta/exchanges.parquet, and counterfactuals in a file of lines.

The column holds one exchange per frame; the table has all of them, with the frames over which each is in force. What a
person might have said instead, so that the robot does something else, is in meta/counterfactuals.jsonl alone.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.labels import exchanges
from pgen.records import Annotation, Dialogue, Episode, Moment, Plan, Question, Sample, Scope, SpanContext
from pgen.safety.bounded_json import json_lines
from pgen.storage.durable import new_text, sync
from pgen_lerobot.format.arrow_arrays import arrow_array
from pgen_lerobot.format.parquet import open_parquet

EXCHANGES = "meta/exchanges.parquet"
COUNTERFACTUALS = "meta/counterfactuals.jsonl"
_BATCH = 4096


class ExchangeRow(NamedTuple):
    """An exchange in force over the frames [start, stop) of an episode; its dialogue is the task `task_index`.

    It was written for the frame `frame_index`, and leads to `skills`, in order.
    """

    episode_index: int
    start: int
    stop: int
    scope: Scope
    variant: int
    frame_index: int
    skills: list[str]
    scenario_type: str | None
    response_type: str | None
    task_index: int


_SCHEMA = pa.schema(
    [
        *((name, pa.int64()) for name in ("episode_index", "start", "stop")),
        ("scope", pa.string()),
        *((name, pa.int64()) for name in ("variant", "frame_index")),
        ("skills", pa.list_(pa.string())),
        *((name, pa.string()) for name in ("scenario_type", "response_type")),
        ("task_index", pa.int64()),
    ]
)


def exchange_rows(
    episode: Episode, annotations: Iterable[Annotation], index: Callable[[Annotation, bool], int]
) -> Iterator[ExchangeRow]:
    """Yield the rows of an episode's exchanges, by their first frames; `index` returns a dialogue's task."""
    for exchange in exchanges(episode, annotations):
        sample, dialogue = exchange.annotation.sample, exchange.annotation.dialogue
        assert dialogue is not None
        yield ExchangeRow(
            episode.index,
            exchange.start,
            exchange.stop,
            exchange.scope,
            sample.question.variant,
            sample.moment.frame_index,
            list(exchange.skills),
            dialogue.scenario_type,
            dialogue.response_type,
            index(exchange.annotation, True),
        )


def with_exchanges(
    path: Path,
    annotated: Iterable[tuple[Episode, list[Annotation]]],
    index: Callable[[Annotation, bool], int],
) -> Iterator[tuple[Episode, list[Annotation]]]:
    """Yield the same episodes and write the exchanges of each before it; the table is complete after the last."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(path, _SCHEMA) as writer:
        rows: list[ExchangeRow] = []
        for episode, annotations in annotated:
            rows += exchange_rows(episode, annotations, index)
            if len(rows) >= _BATCH:
                writer.write_table(_table(rows))
                rows = []
            yield episode, annotations
        writer.write_table(_table(rows))
    sync(path)


def read_exchanges(path: Path) -> Iterator[ExchangeRow]:
    """Yield the rows of the table; none where the file is missing. Raises InputError."""
    if not path.is_file():
        return
    with open_parquet(path) as file:
        if missing := set(_SCHEMA.names) - set(file.schema_arrow.names):
            raise InputError(f"{path} has no column {', '.join(sorted(missing))}; `pgen repair` writes it again.")
        for batch in file.iter_batches(_BATCH, columns=_SCHEMA.names):
            yield from (ExchangeRow(**row) for row in batch.to_pylist())


def with_counterfactuals(
    path: Path, annotated: Iterable[tuple[Episode, list[Annotation]]], *, keep: bool
) -> Iterator[tuple[Episode, list[Annotation]]]:
    """Yield the same episodes and write the counterfactual dialogues of each; an empty file remains only to `keep`."""
    with new_text(path) as file:
        for episode, annotations in annotated:
            for annotation in annotations:
                if annotation.dialogue and annotation.sample.question.counterfactual:
                    file.write(json.dumps(counterfactual_line(annotation), ensure_ascii=False) + "\n")
            yield episode, annotations
        empty = not file.tell()
    if empty and not keep:
        path.unlink()


def counterfactual_line(annotation: Annotation) -> dict[str, Any]:
    """Return a counterfactual as JSON: `skill_target` is what it leads to, null where the robot does nothing."""
    sample, dialogue = annotation.sample, annotation.dialogue
    assert dialogue is not None
    return {
        "episode_index": sample.span.episode_index,
        "frame_index": sample.moment.frame_index,
        "timestamp": sample.moment.timestamp,
        "kind": sample.question.counterfactual,
        "variant": sample.question.variant,
        "user_prompt": dialogue.user_prompt,
        "robot_utterance": dialogue.robot_utterance,
        "scenario_type": dialogue.scenario_type,
        "response_type": dialogue.response_type,
        "skill_target": sample.question.target,
        "skill_current": sample.span.skill,
        "images": list(sample.moment.images),
    }


def read_counterfactuals(path: Path) -> Iterator[Annotation]:
    """Yield the counterfactuals of a file of lines, without what a line does not say; none where it is missing."""
    for _, line in json_lines(path) if path.is_file() else ():
        yield counterfactual_of(line)


def counterfactual_of(line: dict[str, Any]) -> Annotation:
    """Return the counterfactual of a JSON object that `counterfactual_line` made."""
    span = SpanContext(line["episode_index"], "", "", 0, line["skill_current"], (), ())
    moment = Moment(line["frame_index"], line["timestamp"], (), tuple(line["images"]))
    question = Question(line.get("variant", 0), counterfactual=line["kind"], target=line["skill_target"])
    texts = line["user_prompt"], line["robot_utterance"]
    dialogue = Dialogue(*texts, line.get("scenario_type"), line.get("response_type"))
    return Annotation(Sample(span, moment, question), Plan(), dialogue)


def _table(rows: list[ExchangeRow]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(_SCHEMA)
    arrays = [arrow_array(cells, field.type) for field, cells in zip(_SCHEMA, columns, strict=True)]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)
