"""Read a run's output as a policy reads it: images and skills by frame, and the exchanges in force.

Runs in the former form, without scopes, have the dialogue of each frame's label instead of exchanges.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

import pgen
from pgen.formats.syn_annotations import FILE, read_lines
from pgen.labels import frame_ranges
from pgen.records import Episode, Moment, Sample, SpanContext
from pgen.safety.bounded_json import json_lines
from pgen_lerobot.read import LeRobotSource

if TYPE_CHECKING:
    from common.policy import Matrix

PER_SECOND = 5
"""Frames of an episode that are used, at most; the first of each span always is."""
THUMBNAIL = (20, 15)
MAX_PIXELS = 96 * 72
COUNTERFACTUALS = "counterfactuals.jsonl"


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of an episode, the position of its span, and whether it is the span's first."""

    episode: int
    number: int
    span: int
    skill: str
    first: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """A user prompt in force over the frames [start, stop) of an episode."""

    episode: int
    scope: str
    start: int
    stop: int
    user_prompt: str
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """A user prompt at a frame that leads to another skill than the demonstrated one; None leads to none."""

    episode: int
    frame: int
    user_prompt: str
    skill: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """What a policy is trained on and tested with: `images` has a row for each of `frames`.

    `spans` are the skills of each episode.
    """

    name: str
    frames: list[Frame]
    images: "Matrix"
    tasks: dict[int, str]
    spans: dict[int, list[str]]
    exchanges: list[Exchange]
    counterfactuals: list[Counterfactual]

    @property
    def skills(self) -> list[str]:
        return sorted({frame.skill for frame in self.frames})


def read_run(root: Path) -> Run:
    """Read a run. Raises InputError for a folder that pgen did not write."""
    source = LeRobotSource(root=root)
    source.open()
    episodes = list(source.episodes())
    path = root / "meta" / COUNTERFACTUALS
    others = list(_counterfactuals(path)) if path.is_file() else []
    used = {(each.episode, each.frame) for each in others}
    frames = [frame for episode in episodes for frame in _frames(episode, used)]
    lines = list(read_lines(root / "meta" / FILE))
    exchanges = list(_exchanges(lines) if any(line.get("scope") for line in lines) else _labels(root, frames))
    return Run(
        root.name,
        frames,
        np.stack(list(_images(source, episodes, frames))),
        {episode.index: episode.task for episode in episodes},
        {episode.index: [skill.name for skill in episode.skills] for episode in episodes},
        exchanges,
        others,
    )


def _frames(episode: Episode, used: Collection[tuple[int, int]]) -> Iterator[Frame]:
    """Yield some frames of each span, and those that are `used` elsewhere."""
    stride = max(1, round(episode.fps / PER_SECOND))
    for span, (skill, numbers) in enumerate(zip(episode.skills, frame_ranges(episode), strict=True)):
        for number in numbers:
            if (number - numbers.start) % stride == 0 or (episode.index, number) in used:
                yield Frame(episode.index, number, span, skill.name, number == numbers.start)


def _exchanges(lines: list[dict[str, Any]]) -> Iterator[Exchange]:
    for line in lines:
        if line["status"] == "ok" and line.get("start") is not None:
            place = (int(line["episode_index"]), line["scope"], int(line["start"]), int(line["stop"]))
            yield Exchange(*place, line["user_prompt"], int(line.get("variant", 0)))


def _labels(root: Path, frames: list[Frame]) -> Iterator[Exchange]:
    """Yield the dialogue of each frame's label as an exchange of that frame."""
    dialogues = pgen.open(root)
    for frame in frames:
        prompt = dialogues.at(frame.episode, frame.number).user_prompt
        yield Exchange(frame.episode, "step", frame.number, frame.number + 1, prompt)


def _counterfactuals(path: Path) -> Iterator[Counterfactual]:
    for _, line in json_lines(path):
        place = (int(line["episode_index"]), int(line["frame_index"]))
        yield Counterfactual(*place, line["user_prompt"], line.get("skill_target"))


def _images(source: LeRobotSource, episodes: list[Episode], frames: list[Frame]) -> Iterator[Any]:
    """Yield the thumbnails of all cameras of each frame as one vector: colours, and the brightness."""
    by_index = {episode.index: episode for episode in episodes}
    with source.reader(MAX_PIXELS) as reader:
        for frame in frames:
            episode = by_index[frame.episode]
            span = SpanContext(frame.episode, episode.id, episode.task, frame.span, frame.skill, (), ())
            moment = Moment(frame.number, None, episode.cameras, ())
            yield np.concatenate([_thumbnail(image.jpeg) for image in reader.images(Sample(span, moment))])


def _thumbnail(jpeg: bytes) -> Any:
    image = Image.open(BytesIO(jpeg)).convert("RGB").resize(THUMBNAIL, Image.Resampling.BOX)
    colours = np.asarray(image, np.float32) / 255
    return np.concatenate([colours.ravel(), colours.mean(axis=2).ravel()])
