"""What `pgen segment` wrote, held against the data: spans that are whole, and subtasks that are those spans."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen.errors import InputError, PgenError
from pgen.formats.schemas import first_error, validator
from pgen.labels.spans import frame_ranges
from pgen.records import Episode
from pgen.safety.bounded_json import read_json
from pgen_lerobot.format import OTHER_TASKS, Dataset, unlisted_notes
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import SkillsJson, SubtaskIndex
from pgen_lerobot.verify import videos
from pgen_lerobot.verify.inherited import inherited
from pgen_lerobot.verify.problems import Problem
from pgen_lerobot.write import SEGMENTATION_FILES

RECORD, SKILLS = SEGMENTATION_FILES["segmentation.json"], SkillsJson.reads


def problems(dataset: Dataset, notes: list[str]) -> Iterator[Problem]:
    """What is wrong with the skills of a dataset that holds no dialogue, and with the videos that it has lost."""
    record: dict[str, Any] = {}
    wrong = [*_read(dataset.root, RECORD, "segmentation", record), *_read(dataset.root, SKILLS, "skills", {})]
    yield from wrong
    if wrong:
        return
    source = LeRobotSource(
        root=dataset.root, episodes=record["source"].get("episodes"), skills=SkillsJson.name, views=0
    )
    try:
        source.open()
        yield from _spans(source, record, notes)
    except PgenError as error:
        yield Problem(SKILLS, f"the skills cannot be read: {error}")
        return
    yield from videos.missing(dataset, record, notes)


def _read(root: Path, name: str, schema: str, content: dict[str, Any]) -> Iterator[Problem]:
    """Fills `content`."""
    try:
        found = read_json(root / name)
    except FileNotFoundError:
        yield Problem(name, "the file is missing")
        return
    except InputError as error:
        yield Problem(name, str(error).removeprefix(f"{root / name} "))
        return
    if wrong := first_error(validator(schema), found):
        yield Problem(name, f"does not fit the schema `{schema}` at {wrong}")
    else:
        content |= found


def _spans(source: LeRobotSource, record: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    failed = {one["episode_index"] for one in record["failed"]}
    of_the_dataset, spans, episodes_name = source.notes(), 0, source.dataset.layout.episodes_name
    for episode in source.episodes():
        spans += len(episode.skills)
        yield from _whole(episode, failed)
    for note, count in source.notes().items():
        if note == OTHER_TASKS.format(episodes_name):
            notes.append(f"{count} {note}")
        elif note not in of_the_dataset and not note.startswith("episodes without skills"):
            yield Problem(SKILLS, f"{count} {note}")
    yield from _unlisted(source.dataset, record, notes)
    if spans != record["counts"]["spans"]:
        yield Problem(SKILLS, f"has {spans} spans, {RECORD} counts {record['counts']['spans']}")
    if record["run"].get("write_subtasks"):
        yield from _subtasks(source)


def _unlisted(dataset: Dataset, record: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    for note, count in unlisted_notes(dataset).items():
        if inherited(record, note, count):
            notes.append(f"{count} {note}, as in the input")
        else:
            yield Problem(dataset.layout.episodes_name, f"{count} {note}")


def _whole(episode: Episode, failed: set[int]) -> Iterator[Problem]:
    ranges = frame_ranges(episode)
    if not ranges:
        if episode.index not in failed:
            yield Problem(SKILLS, f"episode {episode.index} has no skills, and {RECORD} does not say why")
        return
    edges = [0, *(frames.stop for frames in ranges)]
    begins = [*(frames.start for frames in ranges), len(episode.timestamps)]
    if edges != begins:
        yield Problem(SKILLS, f"the spans of episode {episode.index} leave frames out, or share some")


def _subtasks(source: LeRobotSource) -> Iterator[Problem]:
    """Where the column of subtasks, read for itself, says another skill than the file."""
    other = LeRobotSource(**{**source.options.model_dump(), "skills": SubtaskIndex.name})
    other.open()
    for episode, told in zip(source.episodes(), other.episodes(), strict=True):
        if episode.skills and _frames(episode) != _frames(told):
            what = f"the subtasks of episode {episode.index} are not its skills"
            yield Problem(SubtaskIndex.reads, what)


def _frames(episode: Episode) -> list[tuple[str, int]]:
    """The skills with the frame at which each begins; neighbours of one name are one."""
    named = zip(episode.skills, frame_ranges(episode), strict=True)
    begun = [(skill.name, frames.start) for skill, frames in named if frames]
    return [one for place, one in enumerate(begun) if place == 0 or begun[place - 1][0] != one[0]]
