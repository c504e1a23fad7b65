"""`meta/skills.jsonl`, or any .jsonl file: one span a line (schema `skill_span`), in any order."""

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
        path, schema = self.path(place), validator("skill_span")
        for number, line in json_lines(path):
            if problem := first_error(schema, line):
                raise InputError(f"{path}, line {number}: {problem}. See `pgen schema skill_span`.")
            check_text(line, f"{path}, line {number}")
            skill = Skill(line.get("skill") or line.get("name", ""), float(line["start"]), float(line["end"]))
            self._episodes.setdefault(line["episode_index"], []).append(skill)

    @property
    def empty(self) -> bool:
        return not self._episodes

    def read(self, frames: EpisodeFrames, own_task: str) -> EpisodeSkills | None:
        spans = self._episodes.get(frames.episode_index)
        return EpisodeSkills(tuple(spans)) if spans else None
