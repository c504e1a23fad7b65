"""An episode's dialogue as rows of lerobot 0.6's language columns.

The frame at which an exchange begins has the events, if it labels that frame: the user prompt as an `interjection`,
the utterance as a call of the tool `say`. Persistent rows state the skills, where each begins: `subtask` is its name,
`memory` the skills that are done, `plan` the remaining ones. Recipes train policies to generate these texts, so that
no persistent row holds words of the user, and none is empty.
https://huggingface.co/docs/lerobot/language_and_recipes
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from pgen.labels import Labelling, frame_ranges, label
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
    """The rows of an episode: those that frames repeat, those of single frames, and the frames of no skill.

    To lerobot a row stays in force until the next one of its style, so that the frames of no skill repeat the rows
    without the subtasks.
    """

    persistent: list[Row]
    events: dict[int, list[Row]]
    gaps: list[range]


def language_rows(episode: Episode, annotations: Iterable[Annotation], labelling: Labelling) -> LanguageRows:
    """Return the rows of an episode; every timestamp is that of a frame."""
    events: dict[int, list[Row]] = {}
    for stretch in label(episode, annotations, labelling):
        dialogue = stretch.annotation.dialogue if stretch.annotation else None
        # Where another exchange labelled its first frame, it was spoken earlier, and is merely still in force.
        if stretch.exchange is not None and dialogue is not None and stretch.start == stretch.exchange.start:
            prompt = _row("user", dialogue.user_prompt, "interjection")
            events[stretch.start] = [_row("assistant", None, None, [_say_call(dialogue.robot_utterance)]), prompt]
    persistent = [_persistent(episode, *row) for row in _of_skills(episode, events)]
    persistent.sort(key=lambda row: (row["timestamp"], row["style"]))
    return LanguageRows(persistent, events, _gaps(episode))


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
    lists = [repeated, [row for row in repeated if row["style"] != "subtask"]]
    which = np.zeros(stop - start, np.int64)
    for gap in rows.gaps if rows else ():
        which[max(gap.start - start, 0) : max(gap.stop - start, 0)] = 1
    persistent = pa.array(lists, arrow_type(PERSISTENT, pa.string())).take(pa.array(which))
    of_frames = rows.events if rows else {}
    events = pa.array([of_frames.get(frame, []) for frame in range(start, stop)], arrow_type(EVENTS, pa.string()))
    return persistent, events


def _of_skills(episode: Episode, spoken: Collection[int]) -> Iterator[tuple[int, str, str]]:
    """Yield the frame, the style and the text of each persistent row; lerobot wants a plan where a user speaks."""
    spans = [(s.name, frames) for s, frames in zip(episode.skills, frame_ranges(episode), strict=True) if frames]
    names = [name for name, _ in spans]
    for position, (name, frames) in enumerate(spans):
        yield frames.start, "subtask", name
        if position:
            yield frames.start, "memory", f"Done so far: {'; '.join(names[:position])}."
        plan = "\n".join(f"{number}. {name}" for number, name in enumerate(names[position:], start=1))
        yield from ((frame, "plan", plan) for frame in sorted({frames.start, *(set(spoken) & set(frames))}))


def _gaps(episode: Episode) -> list[range]:
    """Return the frames after the first skill that belong to no skill."""
    changes = [*starts(episode), (len(episode.timestamps), "")]
    spans = pairwise(changes)
    return [range(start, stop) for (start, name), (stop, _) in spans if start and not name]


def _row(role: str, content: str | None, style: str | None, calls: list[str] | None = None) -> Row:
    return {"role": role, "content": content, "style": style, "camera": None, "tool_calls": calls}


def _persistent(episode: Episode, frame: int, style: str, content: str) -> Row:
    return {**_row("assistant", content, style), "timestamp": single_below(episode.timestamps[frame])}


def single_below(time: float) -> float:
    """Return the largest float32 that is not above `time`: rounded up, a row would miss its first frame."""
    single = np.float32(time)
    return float(single if float(single) <= time else np.nextafter(single, np.float32("-inf")))


def _say_call(text: str) -> str:
    return json.dumps(
        {"type": "function", "function": {"name": "say", "arguments": {"text": text}}}, ensure_ascii=False
    )
