"""The source `lerobot`: a LeRobot v3.0 dataset in a folder, or on the Hub, with its skills."""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import Field

from pgen.components import ImageReader, Options, Source
from pgen.errors import ConfigError, InputError
from pgen.paths import check_links
from pgen.ranges import parse_ranges
from pgen.records import Episode
from pgen.spans import frame_ranges, normalise
from pgen_lerobot.dataset import Dataset, EpisodeEntry
from pgen_lerobot.frames import EpisodeFrames, stream
from pgen_lerobot.hub import locate
from pgen_lerobot.skills import SkillReader, reader


class LeRobotOptions(Options):
    root: Path | None = None
    """Folder of the dataset."""
    repo_id: str | None = None
    """Hub id of the dataset, `user/name`; used where no root is given."""
    revision: str | None = None
    """Branch, tag or commit on the Hub."""
    episodes: str | None = None
    """Episodes to annotate, such as `0-9,12`; all where not given."""
    cameras: tuple[str, ...] = ()
    """Camera keys to show, in this order; all of the dataset's where not given."""
    views: int | None = Field(None, ge=1)
    """Show at most this many cameras a sample."""
    skills: str = "auto"
    """`auto` (meta/skills.json), `task` (each episode's task is its one skill), or the path of a skills file."""


class LeRobotSource(Source):
    """A LeRobot v3.0 dataset: video or image cameras, any number of files. Pictures are found by frame index."""

    name = "lerobot"
    Options = LeRobotOptions
    output = "lerobot"
    options: LeRobotOptions

    def open(self) -> None:
        root = locate(self.options.root, self.options.repo_id, self.options.revision)
        check_links(root)
        self.dataset = Dataset(root)
        self._wanted = self._chosen_episodes()
        self._cameras = self._chosen_cameras()
        self._check_videos()
        self._skills: SkillReader = reader(
            self.options.skills, self.dataset.root, self.dataset.tasks.texts, self.dataset.fps
        )
        self._repairs: Counter[str] = Counter()

    def identity(self) -> dict[str, Any]:
        chosen = {"cameras": list(self._cameras), "skills": self.options.skills}
        return {
            "name": self.name,
            "fps": self.dataset.fps,
            "frames": self.dataset.info.get("total_frames"),
            **chosen,
        }

    @property
    def folder(self) -> Path:
        return self.dataset.root

    def episodes(self) -> Iterator[Episode]:
        self._repairs = Counter()
        seen: set[int] = set()
        for frames in stream(self.dataset, self._wanted):
            if frames.episode_index in seen:
                raise InputError(f"{self.dataset.root}: the data holds episode {frames.episode_index} in two places.")
            seen.add(frames.episode_index)
            yield self._episode(frames)
        expected = len(self.dataset.episode_indices if self._wanted is None else self._wanted)
        if len(seen) != expected:
            raise InputError(
                f"{self.dataset.root}: the data holds {len(seen)} of the {expected} episodes that meta/episodes lists; "
                "the dataset is incomplete."
            )

    def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
        from pgen_lerobot.reader import LeRobotImages

        return LeRobotImages(self.dataset, max_pixels)

    def image_names(self, episode: Episode, frame_index: int) -> tuple[str, ...]:
        entry = self._entry(episode.index)
        return tuple(self._image_name(entry, camera, frame_index) for camera in self._cameras)

    def notes(self) -> dict[str, int]:
        return dict(sorted(self._repairs.items()))

    def _episode(self, frames: EpisodeFrames) -> Episode:
        entry = self._entry(frames.episode_index)
        if entry.length != len(frames.timestamps):
            raise InputError(
                f"{self.dataset.root / entry.data_file} holds {len(frames.timestamps)} frames of episode "
                f"{entry.index}, meta/episodes says {entry.length}; the data and its metadata disagree."
            )
        own_task = self._own_task(frames)
        found = self._skills.read(frames, own_task)
        if found is None:
            self._repairs["episodes without skills: left unlabelled"] += 1
        spans = found.spans if found else ()
        episode = Episode(
            index=entry.index,
            id=f"ep_{entry.index:06d}",
            task=(found.task if found and found.task else own_task),
            fps=self.dataset.fps,
            timestamps=frames.timestamps,
            skills=normalise(spans, frames.timestamps, self.dataset.fps, self._repairs),
            cameras=self._cameras,
        )
        empty = sum(1 for span in frame_ranges(episode) if not span)
        if empty:
            self._repairs["skills shorter than a frame: nothing to label"] += empty
        return episode

    def _own_task(self, frames: EpisodeFrames) -> str:
        texts = self.dataset.tasks.texts
        index = frames.task_indices[0]
        if not 0 <= min(frames.task_indices) <= max(frames.task_indices) < len(texts):
            raise InputError(
                f"{self.dataset.root}, episode {frames.episode_index}: a task_index lies outside meta/tasks.parquet, "
                f"which has {len(texts)} rows."
            )
        return texts[index]

    def _entry(self, index: int) -> EpisodeEntry:
        held: EpisodeEntry | None = getattr(self, "_held", None)
        if held is None or held.index != index:
            self._held = held = self.dataset.entry(index)
        return held

    def _image_name(self, entry: EpisodeEntry, camera: str, frame_index: int) -> str:
        """A media fragment in seconds of the file for a video, the row and column for a picture in a table."""
        clip = entry.clips.get(camera)
        if clip is not None:
            return f"{clip.path}#t={clip.start + frame_index / self.dataset.fps:.3f}"
        return f"{entry.data_file}#episode={entry.index}&frame={frame_index}&column={camera}"

    def _chosen_episodes(self) -> set[int] | None:
        if self.options.episodes is None:
            return None
        wanted = parse_ranges(self.options.episodes, "--episodes")
        missing = wanted.difference(self.dataset.episode_indices)
        if missing:
            last = self.dataset.episode_indices[-1]
            raise ConfigError(
                f"--episodes: the dataset has no episode {min(missing)}; it has {len(self.dataset.episode_indices)}, "
                f"up to {last}."
            )
        return wanted

    def _chosen_cameras(self) -> tuple[str, ...]:
        known = self.dataset.cameras
        for camera in self.options.cameras:
            if camera not in known:
                close = f"did you mean {closest}? " if (closest := _closest(camera, known)) else ""
                raise ConfigError(f"--camera: there is no camera {camera!r}; {close}There are: {', '.join(known)}.")
        chosen = self.options.cameras or tuple(known)
        return chosen[: self.options.views]

    def _check_videos(self) -> None:
        """Before anything is paid for: a sample without its pictures would fail one by one."""
        checked: set[str] = set()
        for entry in self.dataset.entries(self._wanted):
            for camera in self._cameras:
                clip = entry.clips.get(camera)
                if clip is None or clip.path in checked:
                    continue
                if not (self.dataset.root / clip.path).is_file():
                    raise InputError(
                        f"{self.dataset.root / clip.path} is missing: episode {entry.index} of camera {camera} is "
                        "in it. Fetch the file, or choose other cameras with --camera or episodes with --episodes."
                    )
                checked.add(clip.path)


def _closest(name: str, known: dict[str, str]) -> str | None:
    matches = get_close_matches(name, known, n=1, cutoff=0.4)
    return matches[0] if matches else None
