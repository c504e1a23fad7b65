"""Episodes as they were before a person edited their spans: a file in the dataset, by which every edit can be undone.

A write computes an episode from here, and from the events of its review, as often as it is repeated.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.formats.syn_annotations import from_line
from pgen.records import Annotation, Episode, Skill
from pgen.safety.bounded_json import json_lines
from pgen_results.reading import Line
from pgen_review.events import Key
from pgen_review.places import name_in

FILE = "meta/pgen/unedited_spans.jsonl"


@dataclass(frozen=True, slots=True)
class Unedited:
    """An episode's skills, lines and counterfactuals (as lines) before a review edited its spans.

    `files` are its entries in the files of skills and phases, by their names; None where a file has none.
    """

    skills: tuple[Skill, ...]
    lines: list[Line]
    counterfactuals: list[Line]
    files: Mapping[str, Any]

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Unedited":
        """Return the episode of a JSON object that `as_json` made."""
        skills = tuple(Skill(**skill) for skill in content["skills"])
        return cls(skills, content["lines"], content["counterfactuals"], content["files"])

    def as_json(self, index: int) -> dict[str, Any]:
        """Return the episode as a JSON object."""
        skills = [{"name": it.name, "start": it.start, "end": it.end, "failed": it.failed} for it in self.skills]
        rest = {"lines": self.lines, "counterfactuals": self.counterfactuals, "files": dict(self.files)}
        return {"episode_index": index, "skills": skills, **rest}

    def restored(self, episode: Episode) -> Episode:
        """Return the episode with its spans from before."""
        return replace(episode, skills=self.skills)

    def annotations(self) -> list[Annotation]:
        """Return the annotations from before."""
        return [from_line(line) for line in self.lines]


def read(folder: Path, written: Collection[Key]) -> dict[int, Unedited]:
    """Return the episodes from before, of those whose edits the dataset holds. Raises InputError.

    `written` are the keys of the events that it holds: spans of another review are those that it begins with.
    """
    path = folder / name_in(folder, FILE)
    if not path.is_file():
        return {}
    try:
        entries = {int(content["episode_index"]): content for _, content in json_lines(path)}
        return {at: Unedited.from_json(it) for at, it in entries.items() if Key.of_spans(at) in written}
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{path} does not contain episodes from before a review; restore a copy of it.") from None


def parts(episodes: Mapping[int, Unedited]) -> Iterable[str]:
    """Yield the file's lines."""
    for index, episode in sorted(episodes.items()):
        yield json.dumps(episode.as_json(index), ensure_ascii=False) + "\n"
