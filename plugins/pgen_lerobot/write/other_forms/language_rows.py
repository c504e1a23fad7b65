"""An episode's dialogue as rows of lerobot 0.6's language columns.

The frame at which an exchange begins has the events, if it labels that frame: the user prompt as an `interjection`,
the utterance as a call of the tool `say`. lerobot shows events on that frame only. So that every frame has its
dialogue, two persistent rows continue it: `memory` (user) is the prompt in force, `plan` (assistant) lists the
remaining skills, as lerobot's own plans do, and has the call while the utterance is spoken. Without a dialogue
`memory` is the task and `plan` calls nothing. A `subtask` is the skill; an empty one says that none is known.
https://huggingface.co/docs/lerobot/language_and_recipes
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pgen.labels import Labelling, Stretch, frame_ranges, label
from pgen.records import Annotation, Episode

PERSISTENT, EVENTS = "language_persistent", "language_events"
COLUMNS = (PERSISTENT, EVENTS)
SAY: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "say",
        "description": "Speak a short utterance to the user via the TTS executor.",
        "parameters": {
            "type": "object",
            "properties": {"text": {"type": "string", "description": "The verbatim text to speak."}},
            "required": ["text"],
        },
    },
}
"""The tool, as lerobot declares it."""

_TEXT = {"dtype": "string", "_type": "Value"}
_TIME = {"dtype": "float32", "_type": "Value"}
_CALLS = {"feature": {"_type": "Json"}, "_type": "List"}
_EVENT_ROW = {"role": _TEXT, "content": _TEXT, "style": _TEXT, "camera": _TEXT, "tool_calls": _CALLS}
_PERSISTENT_ROW = {
    "role": _TEXT,
    "content": _TEXT,
    "style": _TEXT,
    "timestamp": _TIME,
    "camera": _TEXT,
    "tool_calls": _CALLS,
}
FIELDS: dict[str, tuple[str, ...]] = {PERSISTENT: tuple(_PERSISTENT_ROW), EVENTS: tuple(_EVENT_ROW)}
FEATURES = {PERSISTENT: {"feature": _PERSISTENT_ROW, "_type": "List"}, EVENTS: {"feature": _EVENT_ROW, "_type": "List"}}
"""The columns as the Hub declares them."""

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LanguageRows:
    """The rows of an episode: those that every frame repeats, and those of single frames."""

    persistent: list[Row]
    events: dict[int, list[Row]]


def language_rows(episode: Episode, annotations: Iterable[Annotation], labelling: Labelling) -> LanguageRows:
    """Return the rows of an episode; every timestamp is that of a frame."""
    persistent = list(_subtasks(episode))
    events: dict[int, list[Row]] = {}
    for stretch in label(episode, annotations, labelling):
        persistent += _continued(episode, stretch)
        dialogue = stretch.annotation.dialogue if stretch.annotation else None
        # Where another exchange labelled its first frame, it was spoken earlier, and is merely still in force.
        if stretch.exchange is not None and dialogue is not None and stretch.start == stretch.exchange.start:
            prompt = _row("user", dialogue.user_prompt, "interjection")
            events[stretch.start] = [_row("assistant", None, None, [_say_call(dialogue.robot_utterance)]), prompt]
    persistent.sort(key=lambda row: (row["timestamp"], row["style"], row["role"]))
    return LanguageRows(persistent, events)


def starts(episode: Episode) -> Iterator[tuple[int, str]]:
    """Return the frames at which a skill begins, each with its name; an empty name where no skill continues."""
    reached = 0
    for skill, frames in zip(episode.skills, frame_ranges(episode), strict=True):
        if frames:
            if frames.start > reached:
                yield reached, ""
            yield frames.start, skill.name
            reached = frames.stop
    if reached < len(episode.timestamps):
        yield reached, ""


def arrow_type(column: str, calls: pa.DataType) -> pa.DataType:
    """Return the type of a column, with `calls` as that of a tool call."""
    types = {"role": pa.string(), "timestamp": pa.float32(), "tool_calls": pa.list_(calls)}
    required = ("role", "timestamp")
    fields = [pa.field(name, types.get(name, pa.string()), name not in required) for name in FIELDS[column]]
    return pa.list_(pa.struct(fields))


def json_type() -> pa.DataType:
    """Return lerobot's type of a tool call: JSON where this pyarrow has it, else text."""
    return pa.json_() if hasattr(pa, "json_") else pa.string()


def cells(rows: LanguageRows | None, start: int, stop: int) -> tuple["pa.Array[Any]", "pa.Array[Any]"]:
    """Return both columns for the frames [start, stop) of an episode; empty lists where it has no rows."""
    repeated = rows.persistent if rows else []
    persistent = pa.array([repeated], arrow_type(PERSISTENT, pa.string())).take(
        pa.array([0] * (stop - start), pa.int64())
    )
    of_frames = rows.events if rows else {}
    events = pa.array([of_frames.get(frame, []) for frame in range(start, stop)], arrow_type(EVENTS, pa.string()))
    return persistent, events


def _subtasks(episode: Episode) -> Iterator[Row]:
    for frame, name in starts(episode):
        yield _persistent(episode, frame, _row("assistant", name, "subtask"))


def _continued(episode: Episode, stretch: Stretch) -> Iterator[Row]:
    dialogue = stretch.annotation.dialogue if stretch.annotation else None
    calls = [_say_call(dialogue.robot_utterance)] if dialogue and stretch.spoken else None
    prompt = dialogue.user_prompt if dialogue else episode.task
    yield _persistent(episode, stretch.start, _row("user", prompt, "memory"))
    yield _persistent(episode, stretch.start, _row("assistant", _plan(episode, stretch.start), "plan", calls))


def _plan(episode: Episode, frame: int) -> str:
    remaining = [s.name for s, frames in zip(episode.skills, frame_ranges(episode), strict=True) if frames.stop > frame]
    return "\n".join(f"{number}. {name}" for number, name in enumerate(remaining, start=1))


def _row(role: str, content: str | None, style: str | None, calls: list[str] | None = None) -> Row:
    return {"role": role, "content": content, "style": style, "camera": None, "tool_calls": calls}


def _persistent(episode: Episode, frame: int, row: Row) -> Row:
    return {**row, "timestamp": single_below(episode.timestamps[frame])}


def single_below(time: float) -> float:
    """Return the largest float32 that is not above `time`: rounded up, a row would miss its first frame."""
    single = np.float32(time)
    return float(single if float(single) <= time else np.nextafter(single, np.float32("-inf")))


def _say_call(text: str) -> str:
    return json.dumps(
        {"type": "function", "function": {"name": "say", "arguments": {"text": text}}}, ensure_ascii=False
    )
