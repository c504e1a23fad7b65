"""The output of `pgen segment`, compared with the data: spans without gaps, and subtasks that equal them."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from pgen.errors import InputError, PgenError
from pgen.formats.schemas import validator
from pgen.labels import frame_ranges
from pgen.records import Episode
from pgen.safety.bounded_json import read_json
from pgen_lerobot.format import OTHER_TASKS, Dataset, unlisted_notes
from pgen_lerobot.read import LeRobotSource
from pgen_lerobot.skills import OTHER_SKILLS, SkillsJson, SubtaskIndex
from pgen_lerobot.verify.metadata import missing_videos
from pgen_lerobot.verify.problems import Problem, in_input
from pgen_lerobot.write import SEGMENTATION_FILES

RECORD, SKILLS = SEGMENTATION_FILES["segmentation.json"], SkillsJson.reads


def problems(dataset: Dataset, notes: list[str]) -> Iterator[Problem]:
    """Return the problems of the skills of a dataset without dialogue, and of its videos."""
    record: dict[str, Any] = {}
    unreadable = [
        *read_record(dataset.root, RECORD, "segmentation", record),
        *read_record(dataset.root, SKILLS, "skills", {}),
    ]
    yield from unreadable
    if unreadable:
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
    yield from missing_videos(dataset, record, notes)


def read_record(
    root: Path, name: str, schema: str, content: dict[str, Any], missing: str = "the file is missing"
) -> Iterator[Problem]:
    """Read a JSON object of the output into `content` and validate it; what is not valid is read all the same."""
    try:
        read = read_json(root / name)
    except FileNotFoundError:
        yield Problem(name, missing)
        return
    except InputError as error:
        yield Problem(name, str(error).removeprefix(f"{root / name} "))
        return
    if isinstance(read, dict):
        content |= read
    if invalid := validator(schema).first_error(read):
        yield Problem(name, f"does not fit the schema `{schema}` at {invalid}")


def _spans(source: LeRobotSource, record: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    failed = {failure["episode_index"] for failure in record["failed"]}
    dataset_notes, spans, episodes_name = source.notes(), 0, source.dataset.layout.episodes_name
    for episode in source.episodes():
        spans += len(episode.skills)
        yield from _gaps(episode, failed)
    for note, count in source.notes().items():
        if note in (OTHER_TASKS.format(episodes_name), OTHER_SKILLS):
            notes.append(f"{count} {note}")
        elif note not in dataset_notes and not note.startswith("episodes without skills"):
            yield Problem(SKILLS, f"{count} {note}")
    yield from _unlisted(source.dataset, record, notes)
    if spans != record["counts"]["spans"]:
        yield Problem(SKILLS, f"has {spans} spans, {RECORD} counts {record['counts']['spans']}")
    if record["run"].get("write_subtasks"):
        yield from _subtasks(source)


def _unlisted(dataset: Dataset, record: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    for note, count in unlisted_notes(dataset).items():
        if in_input(record, note, count):
            notes.append(f"{count} {note}, as in the input")
        else:
            yield Problem(dataset.layout.episodes_name, f"{count} {note}")


def _gaps(episode: Episode, failed: set[int]) -> Iterator[Problem]:
    ranges = frame_ranges(episode)
    if not ranges:
        if episode.index not in failed:
            yield Problem(SKILLS, f"episode {episode.index} has no skills, and {RECORD} does not say why")
        return
    ends = [0, *(frames.stop for frames in ranges)]
    starts = [*(frames.start for frames in ranges), len(episode.timestamps)]
    if ends != starts:
        yield Problem(SKILLS, f"the spans of episode {episode.index} leave frames out, or share some")


def _subtasks(source: LeRobotSource) -> Iterator[Problem]:
    """Compare the column of subtasks with the skills in the file."""
    other = LeRobotSource(**{**source.options.model_dump(), "skills": SubtaskIndex.name})
    other.open()
    for episode, of_column in zip(source.episodes(), other.episodes(), strict=True):
        if episode.skills and _starts(episode) != _starts(of_column):
            what = f"the subtasks of episode {episode.index} are not its skills"
            yield Problem(SubtaskIndex.reads, what)


def _starts(episode: Episode) -> list[tuple[str, int]]:
    """Return the skills with the frame at which each starts; neighbours of one name are one skill."""
    ranges = zip(episode.skills, frame_ranges(episode), strict=True)
    starts = [(skill.name, frames.start) for skill, frames in ranges if frames]
    return [next(group) for _, group in groupby(starts, key=lambda start: start[0])]
