"""The sink `lerobot-annotations`: the file of the LeRobot annotate page, which shows and edits the dialogue.

The file has version 2 (schema `lerobot_annotations`): atoms of an episode, each at the second of a frame. A moment
has one dialogue, a step where it can, since the page has no place for several. The file's content is preserved, except
subtasks, interjections and speech of the annotated episodes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen.components import Options, Results, Source
from pgen.errors import InputError
from pgen.labels import Stretch, label
from pgen.records import Annotation, Dialogue, Episode
from pgen.storage.durable import write_text
from pgen_lerobot.skills import load_json
from pgen_lerobot.write import OtherForm
from pgen_lerobot.write.other_forms.language_rows import starts

ANNOTATIONS = "meta/lerobot_annotations.json"
SCHEMA = {"persistent_styles": ["memory", "plan", "subtask"], "event_styles": ["interjection", "vqa"]}

type Atom = dict[str, Any]


class LeRobotAnnotationsOptions(Options):
    overwrite: bool = False
    """Replace the dialogue that the file already holds."""


class LeRobotAnnotationsSink(OtherForm[LeRobotAnnotationsOptions]):
    """meta/lerobot_annotations.json, which the LeRobot annotate page shows and edits."""

    name = "lerobot-annotations"

    def open(self, source: Source) -> None:
        path = self.dataset(source).root / ANNOTATIONS
        for index, episode in _read_episodes(path).items():
            if not self.options.overwrite and any(_is_dialogue(atom) for atom in atoms_of(episode)):
                raise InputError(f"{path} holds dialogue of episode {index} already; replace it with --overwrite.")

    def write(self, results: Results, out: Path) -> None:
        old = _read_episodes(out / ANNOTATIONS)
        write_text(out / ANNOTATIONS, _parts(results, old))


def _parts(results: Results, old: dict[int, dict[str, Any]]) -> Iterator[str]:
    """Return the parts of the file; `old` are its former episodes, of which the annotated ones are replaced."""
    yield f'{{\n"version": 2,\n"schema": {json.dumps(SCHEMA)},\n"episodes": {{'
    separator = "\n"
    for episode, annotations in results.read():
        former = old.pop(episode.index, {})
        preserved = [atom for atom in atoms_of(former) if not (_is_dialogue(atom) or atom["style"] == "subtask")]
        stretches = label(episode, annotations, results.labelling)
        atoms = [*preserved, *_subtasks(episode), *_dialogue(annotations, stretches)]
        atoms.sort(key=lambda atom: (atom["timestamp"], atom["style"] or "", atom["role"]))
        rest = {key: value for key, value in former.items() if key not in ("atoms", "subtasks", "high_levels")}
        yield separator + _entry(episode.index, {**rest, "atoms": atoms})
        separator = ",\n"
    for index, former in old.items():
        yield separator + _entry(index, former)
        separator = ",\n"
    yield "\n}\n}\n"


def _entry(index: int, episode: dict[str, Any]) -> str:
    return f'"{index}": {json.dumps(episode, ensure_ascii=False, allow_nan=False)}'


def _subtasks(episode: Episode) -> Iterator[Atom]:
    for frame, name in starts(episode):
        yield _atom("assistant", name, "subtask", episode.timestamps[frame])


def _dialogue(annotations: list[Annotation], stretches: list[Stretch]) -> Iterator[Atom]:
    """Yield the dialogue of each moment: a step, if it has one, and of several wordings one that labels frames."""
    labelling = {id(stretch.annotation) for stretch in stretches}
    factual = (it for it in annotations if not it.sample.question.counterfactual)
    ranked = sorted(factual, key=lambda it: (it.sample.question.scope != "step", id(it) not in labelling))
    spoken: dict[float, Dialogue] = {}
    for annotation in ranked:
        dialogue, time = annotation.dialogue, annotation.sample.moment.timestamp
        if dialogue is not None and time is not None:
            spoken.setdefault(time, dialogue)
    for time, dialogue in spoken.items():
        yield _atom("user", dialogue.user_prompt, "interjection", time)
        yield _speech(dialogue.robot_utterance, time)


def _atom(role: str, content: str | None, style: str | None, time: float) -> Atom:
    return {"role": role, "content": content, "style": style, "timestamp": time, "camera": None, "tool_calls": None}


def _speech(text: str, time: float) -> Atom:
    call = {"type": "function", "function": {"name": "say", "arguments": {"text": text}}}
    return {**_atom("assistant", None, None, time), "tool_calls": [call]}


def _is_dialogue(atom: Atom) -> bool:
    return atom["style"] is None or atom["style"] == "interjection"


def _read_episodes(path: Path) -> dict[int, dict[str, Any]]:
    """Read the episodes of a file; none where it is missing."""
    if not path.is_file():
        return {}
    return {int(index): episode for index, episode in load_json(path, "lerobot_annotations")["episodes"].items()}


def atoms_of(episode: dict[str, Any]) -> Iterator[Atom]:
    """Return an episode's atoms, of either version; those of version 1 lack the end of a subtask."""
    if episode.get("atoms") is not None:
        yield from ({"style": None, "content": None, "tool_calls": None, **atom} for atom in episode["atoms"])
        return
    for segment in episode.get("subtasks") or ():
        yield _atom("assistant", segment["label"], "subtask", segment["start"])
    for segment in episode.get("high_levels") or ():
        if segment.get("user_prompt"):
            yield _atom("user", segment["user_prompt"], "interjection", segment["start"])
        if segment.get("robot_utterance"):
            yield _speech(segment["robot_utterance"], segment["start"])
