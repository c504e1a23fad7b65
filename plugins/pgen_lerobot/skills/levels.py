"""The levels of detail of skills, as `pgen segment` records them beside the skills file in segmentation.json."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.formats.schemas import first_error, validator
from pgen.records import Skill
from pgen.safety.bounded_json import read_json

PHASE = "phase"
OTHER_SKILLS = "episodes whose skills are not those of segmentation.json: phases read from the labels"
_RECORD = "segmentation.json"


def load_json(path: Path, schema: str) -> dict[str, Any]:
    """Read a JSON file that fits the schema. Raises InputError with the file and the location in it."""
    content = read_json(path)
    if problem := first_error(validator(schema), content):
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
            levels = load_json(path, "segmentation").get("levels", {})
            return {
                int(index): {level: spans_of(spans) for level, spans in of_episode.items()}
                for index, of_episode in levels.items()
            }
    return {}
