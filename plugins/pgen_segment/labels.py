"""The segmenter `labels`: skills and phases from the labels of motions that a dataset has, without a model."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

from pgen.components import Options, Recording, Segmenter
from pgen.errors import SampleError
from pgen.records import Skill
from pgen_dialogue.english import read
from pgen_dialogue.prompts import is_waiting, object_of
from pgen_dialogue.template import purpose
from pgen_segment.levels import ACT, CARRY, LEVELS, Motion, cycles, levels
from pgen_segment.motion.spans import APPROACH, GRASP, RELEASE, RETRACT
from pgen_segment.vlm.rollout import as_spans

_KINDS = {"approach": APPROACH, "grasp": GRASP, "carry": CARRY, "release": RELEASE, "retreat": RETRACT}
_WHOLE = ("pick", "take", "get", "fetch", "collect", "retrieve")
"""Verbs of labels that name all of a pick, not a motion of it."""


class LabelsOptions(Options):
    level: Literal["motion", "skill", "phase"] = "skill"
    """The level of detail: motions, as the dataset has them, skills or phases."""


class Labels(Segmenter[LabelsOptions]):
    """Groups the motions that the dataset's skills name into skills and phases, without a model."""

    name = "labels"
    reads_skills = True

    def segment(self, recording: Recording) -> dict[str, Any]:
        if not recording.episode.skills:
            raise SampleError("schema", "the episode has no skills that could be grouped.")
        found = {level: as_spans(spans) for level, spans in levels(motions(recording.episode.skills)).items()}
        return {"skills": found[self.options.level], "levels": found}

    def provenance(self) -> dict[str, Any]:
        return {"levels": list(LEVELS)}


def motions(skills: Sequence[Skill]) -> list[Motion]:
    """Return skills as the motions of higher ones; one that cannot be read, or is no grasp or placing, is its own."""
    plain = [Motion(it.name, it.name, _kind(it.name), it.start, it.end, it.failed) for it in skills]
    named: list[Motion] = []
    before: list[str] = []
    numbers = cycles(plain)
    for number in range(numbers[-1] + 1):
        group = [motion for motion, own in zip(plain, numbers, strict=True) if own == number]
        names = [motion.name for motion in group]
        skill = _name(names, before, {motion.phase for motion in group})
        named += [replace(motion, skill=skill) for motion in group]
        before = names
    return named


def _kind(name: str) -> str:
    return ACT if is_waiting(name) or not read(name).verb else _KINDS.get(read(name).act, ACT)


def _name(names: Sequence[str], before: Sequence[str], kinds: set[str]) -> str:
    """Return the name of the skill that some motions make up; `before` are the motions of the one before."""
    if len(names) == 1:
        return names[0]
    if ACT in kinds:
        return names[-1]
    if GRASP in kinds:
        whole = next((name for name in names if read(name).verb in _WHOLE), "")
        thing = next(filter(None, map(object_of, names)), "")
        return whole or (f"pick up {thing}" if thing else next(name for name in names if _kind(name) == GRASP))
    return purpose([*before, *names]) or names[-1]
