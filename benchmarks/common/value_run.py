"""Read a run's output as a policy reads it: images and skills by frame, and the draws of its dialogue."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from common.value_draws import Draws, Place, draws_of
from pgen.labels import frame_ranges
from pgen.records import Episode, Moment, Sample, SpanContext
from pgen_lerobot.read import LeRobotSource

if TYPE_CHECKING:
    from common.policy import Matrix

PER_SECOND = 5
"""Frames of a second that are used, at most; the first of each span always is."""
THUMBNAIL = (20, 15)
MAX_PIXELS = 96 * 72


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of an episode, the position of its span, and whether it is the span's first."""

    episode: int
    number: int
    span: int
    skill: str
    first: bool

    @property
    def place(self) -> Place:
        return self.episode, self.number


@dataclass(frozen=True)
class Run:
    """What a policy is trained on and tested with: `images` has a row for each of `frames`.

    `spans` are the skills of each episode; `former` draws from the same dataset with one line per second.
    """

    name: str
    frames: list[Frame]
    images: "Matrix"
    tasks: dict[int, str]
    spans: dict[int, list[str]]
    draws: Draws
    former: Draws | None = None

    @cached_property
    def skills(self) -> list[str]:
        return sorted({frame.skill for frame in self.frames})

    @cached_property
    def positions(self) -> dict[Place, int]:
        """The position of each place in `frames`."""
        return {frame.place: position for position, frame in enumerate(self.frames)}


def read_run(root: Path, former: Path | None = None) -> Run:
    """Read a run, and one of the former form of the same dataset. Raises InputError where pgen did not write them."""
    source = LeRobotSource(root=root)
    source.open()
    episodes = list(source.episodes())
    draws, others = draws_of(root), draws_of(former) if former else None
    used = {row.place for row in draws.counterfactuals}
    frames = [frame for episode in episodes for frame in _frames(episode, used)]
    return Run(
        root.name,
        frames,
        np.stack(list(_images(source, episodes, frames))),
        {episode.index: episode.task for episode in episodes},
        {episode.index: [skill.name for skill in episode.skills] for episode in episodes},
        draws,
        others,
    )


def _frames(episode: Episode, used: Collection[Place]) -> Iterator[Frame]:
    """Yield some frames of each span, and those that are `used` elsewhere."""
    stride = max(1, round(episode.fps / PER_SECOND))
    for span, (skill, numbers) in enumerate(zip(episode.skills, frame_ranges(episode), strict=True)):
        for number in numbers:
            if (number - numbers.start) % stride == 0 or (episode.index, number) in used:
                yield Frame(episode.index, number, span, skill.name, number == numbers.start)


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
