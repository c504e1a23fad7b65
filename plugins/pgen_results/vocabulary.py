"""Export the closed list of a dataset's skills and the objects of its scenes.

A model outside the policy, which chooses the next skill for it, must choose one that the policy was trained on, in the
same words, and may speak only of objects that there are. Objects are those that the skills and the tasks name; labels
that are not English name none.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.labels import frame_ranges
from pgen.records import Episode
from pgen.run.job import prepare, running
from pgen.safety.terminal import printable
from pgen.storage.durable import write_text
from pgen.storage.workspace import Workspace
from pgen_dialogue.english import read, read_task
from pgen_results.lines import Line
from pgen_results.read import RunResults

FILE = "vocabulary.json"


@dataclass(slots=True)
class Vocabulary:
    """Counts by skill, by object and by task. Frames are counted only where the input is available."""

    spans: Counter[str] = field(default_factory=Counter)
    frames: Counter[str] = field(default_factory=Counter)
    dialogues: Counter[str] = field(default_factory=Counter)
    episodes: Counter[str] = field(default_factory=Counter)
    """The episodes of each skill."""
    objects: Counter[str] = field(default_factory=Counter)
    """The spans whose skill names each object."""
    scenes: Counter[str] = field(default_factory=Counter)
    """The episodes whose skills or task name each object."""
    tasks: Counter[str] = field(default_factory=Counter)

    def add(self, episode: Episode, lines: list[Line]) -> None:
        """Add an episode, by its spans; without the input, by those that have samples."""
        sampled = dict(sorted((line["skill_index"], line["skill_current"]) for line in lines))
        skills = [skill.name for skill in episode.skills] or list(sampled.values())
        # In the output of some sinks, an episode's own task is a user prompt; the lines have what it was.
        task = lines[0]["task_description"] if lines else episode.task
        scene = set(read_task(task).objects)
        for name in skills:
            named = set(read(name).objects)
            self.objects.update(named)
            scene |= named
        self.spans.update(skills)
        self.episodes.update(set(skills))
        self.scenes.update(scene)
        self.tasks[task] += 1
        self.dialogues.update(line["skill_current"] for line in lines if line["status"] == "ok")
        for skill, frames in zip(episode.skills, frame_ranges(episode), strict=True):
            self.frames[skill.name] += len(frames)

    def as_json(self) -> dict[str, Any]:
        """Return the lists, the most frequent entries first."""
        return {
            "skills": [self._skill(name) for name in _by_count(self.spans)],
            "objects": [
                {"object": name.removeprefix("the "), "episodes": self.scenes[name], "spans": self.objects[name]}
                for name in _by_count(self.scenes)
            ],
            "tasks": [{"task": task, "episodes": self.tasks[task]} for task in _by_count(self.tasks)],
        }

    def _skill(self, name: str) -> dict[str, Any]:
        return {
            "skill": name,
            "command": read(name).do or None,
            "spans": self.spans[name],
            "episodes": self.episodes[name],
            "frames": self.frames[name] if self.frames else None,
            "dialogues": self.dialogues[name],
        }


def export_vocabulary(run: RunResults, output_dir: Path) -> Iterator[str]:
    """Write `vocabulary.json` into a new folder; return the lines of the report.

    Raises ConfigError where the folder exists, InputError where there is no skill.
    """
    workspace = Workspace(output_dir, "export --vocabulary")
    prepare(workspace)
    if run.source is not None:
        workspace.check_outside(run.source.folder)
    vocabulary = Vocabulary()
    with running(workspace) as job:
        for episode, lines in run.read():
            vocabulary.add(episode, lines)
        if not vocabulary.spans:
            raise InputError(f"{run.name} has no skills; there is nothing to export.")
        content = json.dumps(vocabulary.as_json(), indent=2, ensure_ascii=False)
        write_text(job.stage() / FILE, [content, "\n"])
    yield f"skills     {len(vocabulary.spans):,} in {vocabulary.tasks.total():,} episodes"
    yield f"objects    {len(vocabulary.scenes):,}"
    yield printable(f"output     {output_dir.absolute()}")


def _by_count(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], name))
