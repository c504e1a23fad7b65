"""`meta/skills.jsonl`, or any .jsonl file: a span a line (schema `skill_span`), in any order."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.formats.schemas import first_error, validator
from pgen.records import Skill
from pgen.safety.bounded_json import check_text, json_lines
from pgen_lerobot.format import EpisodeFrames
from pgen_lerobot.skills.base import EpisodeSkills, FileReader, Place


class SpanLines(FileReader):
    """The spans of a file of lines."""

    name = "jsonl"
    reads = "meta/skills.jsonl"

    def __init__(self, place: Place) -> None:
        self._episodes: dict[int, list[Skill]] = {}
        for line in _lines(self.path(place)):
            skill = Skill(line.get("skill") or line.get("name", ""), float(line["start"]), float(line["end"]))
            self._episodes.setdefault(line["episode_index"], []).append(skill)

    @property
    def empty(self) -> bool:
        return not self._episodes

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        spans = self._episodes.get(frames.episode_index)
        return EpisodeSkills(tuple(spans)) if spans else None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    check = validator("skill_span")
    for number, line in json_lines(path):
        if problem := first_error(check, line):
            raise InputError(f"{path}, line {number}: {problem}. See `pgen schema skill_span`.")
        yield check_text(line, f"{path}, line {number}")
