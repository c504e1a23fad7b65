"""The files of a dataset that hold its spans: skills, phases and subtasks, as they follow edited spans."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from pgen.labels import frame_ranges
from pgen.records import Episode, Skill
from pgen_lerobot.format import EDITED, KEPT_SKILLS, MANIFEST, Dataset, dump_like, read_text
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import PHASES, SubtaskIndex
from pgen_lerobot.write import rehash
from pgen_review.events import Event
from pgen_review.places import SEGMENTATION, SKILLS, name_in
from pgen_segment import subtasks
from pgen_segment.subtasks import Segmented

LEVELS = (SEGMENTATION, PHASES)
"""The records with levels of detail; those of an edited episode are those of other spans."""
_INDICES = ("skill_to_task_index", "skill_to_subtask_index")

type Entries = dict[str, Any]
"""An episode's entry in each file, by the file's name; None where it has none."""


class SpanFiles:
    """The files of skills and phases of the dataset in a folder, changed in memory."""

    def __init__(self, folder: Path) -> None:
        paths = {name: folder / name_in(folder, name) for name in (*LEVELS, SKILLS, KEPT_SKILLS)}
        self._texts = {name: read_text(paths[name]) for name in LEVELS if paths[name].is_file()}
        skills = next((paths[name] for name in (SKILLS, KEPT_SKILLS) if paths[name].is_file()), None)
        self._texts[SKILLS] = read_text(skills) if skills else '{"episodes": {}}\n'
        self._contents = {name: json.loads(text) for name, text in self._texts.items()}
        self.dropped: list[str] = []
        """The files from which phases were left out."""

    def content(self, name: str) -> dict[str, Any]:
        """Return the content of a file, which may be changed."""
        content: dict[str, Any] = self._contents[name]
        return content

    def entries(self, index: int) -> Entries:
        """Return an episode's entries."""
        return {name: self._of(name).get(str(index)) for name in self._contents}

    def restore(self, index: int, entries: Mapping[str, Any]) -> None:
        """Give an episode the entries that it had."""
        for name in self._contents:
            entry = entries.get(name)
            if entry is not None:
                self._of(name)[str(index)] = entry
            else:
                self._of(name).pop(str(index), None)

    def edit(self, episode: Episode, event: Event) -> None:
        """Give an episode the spans of an event, and leave its phases out."""
        skills = self._of(SKILLS)
        entry = skills.get(str(episode.index)) or {"episode_index": episode.index, "description": episode.task}
        before = {(it["name"].strip(), it["start"], it["end"]): it for it in entry.get("skills", ())}
        spans = [before.get((it.name, it.start, it.end)) or _edited(it) for it in episode.skills]
        reviewed = {"state": "edited", "by": event.author, "at": event.at}
        skills[str(episode.index)] = {**entry, "skills": spans, "reviewed": reviewed}
        for name in LEVELS:
            if name in self._contents and self._of(name).pop(str(episode.index), None) is not None:
                self.dropped.append(name)
        for name in _INDICES:
            if isinstance(indices := self._contents[SKILLS].get(name), dict):
                _add(indices, (skill.name for skill in episode.skills))

    def parts(self) -> dict[str, list[str]]:
        """Return the text of each file, in its form."""
        return {name: [dump_like(self._texts[name], content)] for name, content in self._contents.items()}

    def _of(self, name: str) -> dict[str, Any]:
        entries: dict[str, Any] = self._contents[name].setdefault("episodes" if name == SKILLS else "levels", {})
        return entries


def _edited(skill: Skill) -> dict[str, Any]:
    failed = {"failed": True} if skill.failed else {}
    return {"name": skill.name, "start": skill.start, "end": skill.end, **failed, "edited": True}


def _add(indices: dict[str, int], names: Iterable[str]) -> None:
    """Give each new name the next index."""
    for name in names:
        indices.setdefault(name, max(indices.values(), default=-1) + 1)


def has_subtasks(dataset: Dataset, episodes: Iterable[Episode]) -> bool:
    """Return whether the dataset has a column of subtasks, and it names the skills of these episodes."""
    if subtasks.COLUMN not in dataset.features or not SubtaskIndex.has(dataset):
        return False
    source = LeRobotSource(root=dataset.root, skills=SubtaskIndex.name, views=0)
    source.open()
    own = {episode.index: episode for episode in episodes}
    return all(_names_skills(column, own[column.index]) for column in source.episodes() if column.index in own)


def _names_skills(column: Episode, episode: Episode) -> bool:
    """Return whether the subtask of each frame of a span is the span's skill."""
    names = [""] * len(episode.timestamps)
    for skill, frames in zip(column.skills, frame_ranges(column), strict=True):
        names[frames.start : frames.stop] = [skill.name] * len(frames)
    pairs = zip(episode.skills, frame_ranges(episode), strict=True)
    return all(names[frame] == skill.name for skill, frames in pairs for frame in frames)


def write_subtasks(staged: Path, scratch: Path, episodes: Iterable[Episode]) -> None:
    """Write the subtasks of a staged dataset again, for all of its episodes with skills."""
    segmented = {episode.index: _filled(episode) for episode in episodes if episode.skills}
    written = subtasks.write(Dataset(staged), segmented, scratch)
    for name in written:
        (staged / name).unlink(missing_ok=True)
        (scratch / name).replace(staged / name)
    if (staged / MANIFEST).is_file():
        rehash(staged, set(written) - EDITED)


def _filled(episode: Episode) -> Segmented:
    """Return an episode with its task as the skill of the frames in no span."""
    spans = sorted(_with_gaps(episode), key=lambda span: span[1].start)
    return Segmented(episode.task, tuple(skill for skill, _ in spans), tuple(frames for _, frames in spans))


def _with_gaps(episode: Episode) -> Iterator[tuple[Skill, range]]:
    ranges = [frames for frames in frame_ranges(episode) if frames]
    yield from ((skill, frames) for skill, frames in zip(episode.skills, frame_ranges(episode), strict=True) if frames)
    edges = [range(0), *ranges, range(len(episode.timestamps), len(episode.timestamps))]
    for earlier, later in pairwise(edges):
        if earlier.stop < later.start:
            yield Skill(episode.task, 0.0, 0.0), range(earlier.stop, later.start)
