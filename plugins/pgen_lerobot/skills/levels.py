"""The levels of detail of skills, as `pgen segment` records them beside the skills file in segmentation.json."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.formats.schemas import validator
from pgen.records import Skill
from pgen.safety.bounded_json import read_json

PHASE = "phase"
OTHER_SKILLS = "episodes whose skills are not those of segmentation.json: phases read from the labels"
PHASES = "meta/pgen/phases.json"
"""The record of phases that a model gave for the skills of a dataset, in the form of segmentation.json."""
BY_MODEL = "episodes whose phases come from a model"
_RECORD = "segmentation.json"


def load_json(path: Path, schema: str) -> dict[str, Any]:
    """Read a JSON file that fits the schema. Raises InputError with the file and the location in it."""
    content = read_json(path)
    if problem := validator(schema).first_error(content):
        raise InputError(f"{path} does not fit the schema `{schema}` at {problem}. See `pgen schema {schema}`.")
    return dict(content)


def spans_of(skills: Iterable[Mapping[str, Any]], name: str = "name") -> tuple[Skill, ...]:
    """Return the spans of JSON objects with `start` and `end`, whose name is under the key `name`."""
    return tuple(
        Skill(skill[name], float(skill["start"]), float(skill["end"]), skill.get("failed") is True) for skill in skills
    )


def recorded_levels(skills: Path) -> dict[int, dict[str, tuple[Skill, ...]]]:
    """Return the spans of each level by episode, as recorded beside a skills file; empty where there is no record.

    Raises InputError for a record that cannot be read.
    """
    for path in (skills.with_name(_RECORD), skills.parent / "pgen" / _RECORD):
        if path.is_file():
            return _levels(load_json(path, "segmentation"))
    return {}


def _levels(record: Mapping[str, Any]) -> dict[int, dict[str, tuple[Skill, ...]]]:
    return {
        int(index): {level: spans_of(spans) for level, spans in of_episode.items()}
        for index, of_episode in record.get("levels", {}).items()
    }


class RecordedPhases:
    """The phases in a record, where there is one, for episodes whose skills have the names in it.

    `provenance` is what the record states of the model and its requests. Raises InputError for a record that cannot be
    read.
    """

    def __init__(self, path: Path) -> None:
        record = load_json(path, "segmentation") if path.is_file() else {}
        self._levels = _levels(record)
        self.provenance: dict[str, Any] = record.get("segmenter", {}).get("found", {})

    def of(self, episode_index: int, skills: Iterable[Skill]) -> tuple[Skill, ...]:
        """Return the phases of an episode; none where there is no record for these skills."""
        levels = self._levels.get(episode_index, {})
        same = [skill.name for skill in levels.get("skill", ())] == [skill.name for skill in skills]
        return levels.get(PHASE, ()) if same else ()
