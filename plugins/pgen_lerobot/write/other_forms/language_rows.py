"""An episode's dialogue as rows of lerobot 0.6's language columns.

At the first frame that a dialogue labels stand the events: the user prompt as an `interjection`, the answer
as a call of the tool `say`. lerobot shows events on that one frame only; so that every frame finds its
dialogue, two persistent rows carry it on: `memory` (user) is what was last asked, `plan` (assistant) lists
the skills that are left, as lerobot's own plans do, and holds the call. Where there is no dialogue, `memory`
is the task and `plan` calls nothing. A `subtask` is the skill; an empty one says that none is known.
https://huggingface.co/docs/lerobot/language_and_recipes
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import pack, unpack
from typing import Any

import pyarrow as pa

from pgen.labels.assign import Stretch, label
from pgen.labels.spans import frame_ranges
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
_EVENT = {"role": _TEXT, "content": _TEXT, "style": _TEXT, "camera": _TEXT, "tool_calls": _CALLS}
_LASTING = {"role": _TEXT, "content": _TEXT, "style": _TEXT, "timestamp": _TIME, "camera": _TEXT, "tool_calls": _CALLS}
FIELDS: dict[str, tuple[str, ...]] = {PERSISTENT: tuple(_LASTING), EVENTS: tuple(_EVENT)}
FEATURES = {
    PERSISTENT: {"feature": _LASTING, "_type": "List"},
    EVENTS: {"feature": _EVENT, "_type": "List"},
}
"""The columns as the Hub declares them."""

type Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Language:
    """The rows of an episode: those that every frame repeats, and those of single frames."""

    persistent: list[Row]
    events: dict[int, list[Row]]


def language(episode: Episode, annotations: Iterable[Annotation]) -> Language:
    """The rows of an episode; every timestamp is that of a frame."""
    persistent = list(_subtasks(episode))
    events: dict[int, list[Row]] = {}
    for stretch in label(episode, annotations):
        persistent += _carried_on(episode, stretch)
        if stretch.annotation is not None and stretch.annotation.dialogue is not None:
            dialogue = stretch.annotation.dialogue
            asked = _row("user", dialogue.user_prompt, "interjection")
            events[stretch.start] = [_row("assistant", None, None, [_said(dialogue.robot_utterance)]), asked]
    persistent.sort(key=lambda row: (row["timestamp"], row["style"], row["role"]))
    return Language(persistent, events)


def starts(episode: Episode) -> Iterator[tuple[int, str]]:
    """The frames at which a skill begins, each with its name; an empty name where none goes on."""
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
    """The type of a column, with `calls` as that of a tool call."""
    kinds = {"role": pa.string(), "timestamp": pa.float32(), "tool_calls": pa.list_(calls)}
    never_null = ("role", "timestamp")
    fields = [pa.field(name, kinds.get(name, pa.string()), name not in never_null) for name in FIELDS[column]]
    return pa.list_(pa.struct(fields))


def json_type() -> pa.DataType:
    """lerobot's type of a tool call: JSON where this pyarrow has it, else its text."""
    return pa.json_() if hasattr(pa, "json_") else pa.string()


def cells(found: Language | None, start: int, stop: int) -> tuple["pa.Array[Any]", "pa.Array[Any]"]:
    """Both columns for the frames [start, stop) of an episode; empty lists where it has no rows at all."""
    rows = found.persistent if found else []
    lasting = pa.array([rows], arrow_type(PERSISTENT, pa.string())).take(pa.array([0] * (stop - start), pa.int64()))
    events = found.events if found else {}
    single = pa.array([events.get(frame, []) for frame in range(start, stop)], arrow_type(EVENTS, pa.string()))
    return lasting, single


def _subtasks(episode: Episode) -> Iterator[Row]:
    for frame, name in starts(episode):
        yield _lasting(episode, frame, _row("assistant", name, "subtask"))


def _carried_on(episode: Episode, stretch: Stretch) -> Iterator[Row]:
    dialogue = stretch.annotation.dialogue if stretch.annotation else None
    calls = [_said(dialogue.robot_utterance)] if dialogue else None
    asked = dialogue.user_prompt if dialogue else episode.task
    yield _lasting(episode, stretch.start, _row("user", asked, "memory"))
    yield _lasting(episode, stretch.start, _row("assistant", _plan(episode, stretch.start), "plan", calls))


def _plan(episode: Episode, frame: int) -> str:
    left = [s.name for s, frames in zip(episode.skills, frame_ranges(episode), strict=True) if frames.stop > frame]
    return "\n".join(f"{number}. {name}" for number, name in enumerate(left, start=1))


def _row(role: str, content: str | None, style: str | None, calls: list[str] | None = None) -> Row:
    return {"role": role, "content": content, "style": style, "camera": None, "tool_calls": calls}


def _lasting(episode: Episode, frame: int, row: Row) -> Row:
    return {**row, "timestamp": single_below(episode.timestamps[frame])}


def single_below(time: float) -> float:
    """The largest float32 that is not above `time`: a row that began a rounding later would miss its first frame."""
    bits, single = unpack("<if", 2 * pack("<f", time))
    if single <= time:
        return float(single)
    if single == 0.0:
        return -(2.0**-149)
    return float(unpack("<f", pack("<i", bits - 1 if single > 0 else bits + 1))[0])


def _said(text: str) -> str:
    return json.dumps(
        {"type": "function", "function": {"name": "say", "arguments": {"text": text}}}, ensure_ascii=False
    )
