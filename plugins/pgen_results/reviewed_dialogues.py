"""What people decided about the dialogue of a run, as data to learn from: references, and pairs of preference.

A reference is a dialogue that somebody accepted, edited or took from a model. A pair has a dialogue that was changed:
what it is now is chosen, what the run wrote is rejected. Its prompt is that of the prompt builder `seed`.
"""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pgen.formats.syn_annotations import from_line
from pgen.records import Sample
from pgen_dialogue.prompts import construct_prompt
from pgen_results.lines import Line, scope

REFERENCES, PREFERENCES = "references.jsonl", "preferences.jsonl"


class ApprovedDialogues:
    """Writes approved dialogues as references and as pairs while it is entered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> "ApprovedDialogues":
        with ExitStack() as stack:
            self._references, self._preferences = (
                stack.enter_context((self._folder / name).open("x", encoding="utf-8", errors="backslashreplace"))
                for name in (REFERENCES, PREFERENCES)
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, lines: list[Line], images_of: Callable[[Sample], list[str] | None], part: str) -> Counter[str]:
        """Write the approved dialogues of an episode, which is in `part`; return the counts."""
        counts = Counter(references=0, pairs=0)
        for line in lines:
            self._references.write(_encoded(reference(line)))
            counts["references"] += 1
            images = images_of(from_line(line).sample)
            if images is not None and (pair := preference(line, images)):
                self._preferences.write(_encoded({**pair, "part": part}))
                counts["pairs"] += 1
        return counts


def is_answered(line: Line) -> bool:
    """Return whether the sample has a dialogue."""
    return bool(line["status"] == "ok")


def is_approved(line: Line) -> bool:
    """Return whether a person accepted, edited or took the dialogue."""
    return line["status"] == "ok" and (line.get("review") or {}).get("state") in ("accepted", "edited")


def reference(line: Line) -> dict[str, Any]:
    """Return an approved dialogue as a reference for prompts."""
    names = ("episode_id", "frame_index", "user_prompt", "robot_utterance", "scenario_type", "response_type")
    values = {name: line[name] for name in names}
    return {**values, "scope": scope(line), "task": line["task_description"], "skill": line["skill_current"]}


def preference(line: Line, images: list[str]) -> dict[str, Any] | None:
    """Return an approved dialogue with the one that it replaced; None where its text is that of the run."""
    original = (line["review"] or {}).get("original")
    if not original or original["status"] != "ok" or _text(original) == _text(line):
        return None
    prompt = [*({"type": "image", "image": name} for name in images), _part(construct_prompt(from_line(line).sample))]
    return {
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": [{"role": "assistant", "content": [_part(_text(line))]}],
        "rejected": [{"role": "assistant", "content": [_part(_text(original))]}],
        "images": images,
        "episode_id": line["episode_id"],
        "frame_index": line["frame_index"],
        "scope": scope(line),
    }


def _text(line: Line) -> str:
    names = ("user_prompt", "robot_utterance")
    return json.dumps({name: line[name] for name in names}, ensure_ascii=False)


def _encoded(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"


def _part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}
