"""Read the skills that `pgen score` compares, and check that both are of one dataset."""

from dataclasses import dataclass
from pathlib import Path

from pgen.errors import InputError
from pgen.records import Skill
from pgen_lerobot.format import Dataset
from pgen_lerobot.skills import read_spans

OVERSHOOT = 1.0
"""Seconds that a span may end after its episode: people place ends by eye."""

_EQUAL = 1e-3


@dataclass(frozen=True, slots=True)
class SkillsOf:
    """The spans of a file; `seconds` has the duration of each episode, if the file is in a dataset."""

    path: Path
    episodes: dict[int, tuple[Skill, ...]]
    seconds: dict[int, float]


def read(path: Path) -> SkillsOf:
    """Read a skills file, or that of a dataset. Raises InputError."""
    file = path / "meta" / "skills.json" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"there is no skills file {file}; name a skills.json, or a dataset that has meta/skills.json.")
    return SkillsOf(path, read_spans(file), _seconds(file.absolute().parent))


def check_same_dataset(skills: SkillsOf, reference: SkillsOf) -> None:
    """Raise InputError where the skills are of different datasets."""
    common = sorted(skills.episodes.keys() & reference.episodes.keys())
    if skills.episodes and reference.episodes and not common:
        raise _different(skills, reference, "they have no episode in common")
    for episode in common:
        if difference := _difference(episode, skills, reference):
            raise _different(skills, reference, difference)


def _difference(episode: int, skills: SkillsOf, reference: SkillsOf) -> str | None:
    """Return why an episode of A cannot be that of B."""
    ours, theirs = skills.seconds.get(episode), reference.seconds.get(episode)
    if ours is not None and theirs is not None:
        same = abs(ours - theirs) < _EQUAL
        return None if same else f"episode {episode} lasts {ours:.2f} s in A and {theirs:.2f} s in B"
    seconds = ours if ours is not None else theirs
    last = max((span.end for side in (skills, reference) for span in side.episodes[episode]), default=0.0)
    if seconds is None or last <= seconds + OVERSHOOT:
        return None
    return f"episode {episode} lasts {seconds:.2f} s, and a span ends at {last:.2f} s"


def _different(skills: SkillsOf, reference: SkillsOf, why: str) -> InputError:
    return InputError(
        f"{skills.path} (A) and {reference.path} (B) are of different datasets: {why}. Name two sets of skills of the "
        "same dataset."
    )


def _seconds(meta: Path) -> dict[int, float]:
    """Return the duration of each episode of the dataset with this `meta` folder; empty where there is none."""
    if meta.name != "meta" or not (meta / "info.json").is_file():
        return {}
    dataset = Dataset(meta.parent)
    return {entry.index: entry.length / dataset.fps for entry in dataset.entries()}
