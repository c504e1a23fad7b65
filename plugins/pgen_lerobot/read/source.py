"""The source `lerobot`: a LeRobot dataset in a folder or on the Hub, with its skills."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from pgen.components import ImageReader, Options, Source
from pgen.config import parse_ranges
from pgen.errors import ConfigError, InputError
from pgen.labels import frame_ranges, normalize
from pgen.records import MAX_ELSEWHERE, Episode, Skill
from pgen.safety.paths import check_links
from pgen_lerobot.format import (
    ANNOTATED_TASKS,
    OTHER_TASKS,
    Cameras,
    Dataset,
    EpisodeEntry,
    EpisodeFrames,
    locate,
    stream,
    tasks_differ,
    unlisted_notes,
)
from pgen_lerobot.skills import BY_MODEL, PHASES, EpisodeSkills, Place, RecordedPhases, SkillReader, choose


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
    """Camera keys to show, in this order; all that can be shown where not given."""
    views: int | None = Field(None, ge=0)
    """Show at most this many cameras a sample; none of them need files where it is 0."""
    skills: str = "auto"
    """`auto` (the first form that is found), a form by name (see docs/labels.md), or the path of a file."""
    phases: Path | None = None
    """A file with phases, as `pgen segment --segmenter phases` writes it; meta/pgen/phases.json where not given."""


class LeRobotSource(Source[LeRobotOptions]):
    """A LeRobot dataset of v2.0, v2.1 or v3.0, with video or image cameras. Images are found by frame index."""

    name = "lerobot"
    output = "lerobot"

    def open(self) -> None:
        files = locate(self.options.root, self.options.repo_id, self.options.revision)
        check_links(files.root)
        self.dataset = Dataset(files.root, files)
        self._selected = self._select_episodes()
        cameras = Cameras(self.dataset)
        self._cameras = cameras.choose(self.options.cameras, self.options.views, self._selected)
        self._sizes = cameras.sizes(self._cameras)
        self._dataset_notes = cameras.notes(self._cameras) + self.dataset.notes() + unlisted_notes(self.dataset)
        self.skills: SkillReader = choose(self.options.skills, Place(self.dataset, self._selected))
        self.phases = RecordedPhases(self._phases_file())
        self._episode_notes: Counter[str] = Counter()
        self._skill_names = self.skills.names()
        self._last_entry: EpisodeEntry | None = None

    def identity(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "fps": self.dataset.fps,
            "frames": self.dataset.info.get("total_frames"),
            "cameras": list(self._cameras),
            "skills": self.options.skills,
            **({"phases": True} if self.options.phases else {}),
        }

    def describe(self) -> dict[str, Any]:
        phases = {"phases_by_model": self.phases.provenance} if self.phases.provenance else {}
        return {**super().describe(), **self.dataset.files.origin, **phases}

    @property
    def folder(self) -> Path:
        return self.dataset.root

    def episodes(self) -> Iterator[Episode]:
        self._episode_notes = Counter()
        seen: set[int] = set()
        for frames in stream(self.dataset, self._selected):
            if frames.episode_index in seen:
                raise InputError(f"{self.dataset.root}: the data holds episode {frames.episode_index} in two places.")
            seen.add(frames.episode_index)
            yield self._episode(frames)
        expected = len(self.dataset.episode_indices if self._selected is None else self._selected)
        if len(seen) != expected:
            raise InputError(
                f"{self.dataset.root}: the data holds {len(seen)} of the {expected} episodes that "
                f"{self.dataset.layout.episodes_name} lists; the dataset is incomplete."
            )

    def reader(self, max_pixels: int, cameras: tuple[str, ...] | None = None) -> AbstractContextManager[ImageReader]:
        """Return a reader of images, of other cameras than the chosen ones if any are named."""
        from pgen_lerobot.read.images import LeRobotImages

        return LeRobotImages(self.dataset, self._cameras if cameras is None else cameras, max_pixels)

    def image_names(self, episode: Episode, frame_index: int) -> tuple[str, ...]:
        if not self._cameras:
            return ()
        entry = self._entry(episode.index)
        return tuple(self._image_name(entry, camera, frame_index) for camera in self._cameras)

    def image_sizes(self) -> dict[str, tuple[int, int]]:
        return self._sizes

    def notes(self) -> dict[str, int]:
        return dict(sorted((self._dataset_notes + self._episode_notes).items()))

    def _episode(self, frames: EpisodeFrames) -> Episode:
        entry = self._entry(frames.episode_index)
        if entry.length != len(frames.timestamps):
            raise InputError(
                f"{self.dataset.root / entry.data_file} holds {len(frames.timestamps)} frames of episode "
                f"{entry.index}, {self.dataset.layout.episodes_name} says {entry.length}; the two disagree."
            )
        own_task = self._own_task(frames)
        if tasks_differ(entry, set(frames.task_indices), self.dataset.tasks.texts):
            self._episode_notes[OTHER_TASKS.format(self.dataset.layout.episodes_name)] += 1
        skills = self.skills.read(frames, own_task)
        self._note(skills)
        spans = skills.spans if skills else ()
        normalized = normalize(spans, frames.timestamps, self.dataset.fps, self._episode_notes)
        phases = self.phases.of(entry.index, normalized)
        self._episode_notes.update([BY_MODEL] if phases else [])
        episode = Episode(
            index=entry.index,
            id=f"ep_{entry.index:06d}",
            task=(skills.task if skills and skills.task else own_task),
            fps=self.dataset.fps,
            timestamps=frames.timestamps,
            skills=normalized,
            cameras=self._cameras,
            elsewhere=self._elsewhere(spans),
            phases=phases or (skills.phases if skills else ()),
        )
        empty = sum(1 for span in frame_ranges(episode) if not span)
        if empty:
            self._episode_notes["skills shorter than a frame: nothing to label"] += empty
        return episode

    def _phases_file(self) -> Path:
        if self.options.phases and not self.options.phases.is_file():
            raise InputError(f"option phases: there is no file {self.options.phases}.")
        return self.options.phases or self.dataset.root / PHASES

    def _elsewhere(self, spans: Iterable[Skill]) -> tuple[str, ...]:
        own = {span.name.strip() for span in spans}
        return tuple(islice((name for name in self._skill_names if name not in own), MAX_ELSEWHERE))

    def _note(self, skills: EpisodeSkills | None) -> None:
        if skills is None:
            self._episode_notes["episodes without skills: left unlabelled"] += 1
            return
        self._episode_notes.update(skills.notes)
        if self.options.skills == "auto" and self.skills.name != "skills-json":
            self._episode_notes[f"episodes whose skills come from {self.skills.reads}"] += 1

    def _own_task(self, frames: EpisodeFrames) -> str:
        texts = self.dataset.tasks.texts
        if not 0 <= min(frames.task_indices) <= max(frames.task_indices) < len(texts):
            raise InputError(
                f"{self.dataset.root}, episode {frames.episode_index}: a task_index lies outside "
                f"{self.dataset.layout.tasks_file}, which has {len(texts)} rows."
            )
        if text := self.dataset.episode_tasks.get(frames.episode_index):
            self._episode_notes[f"episodes whose task comes from {ANNOTATED_TASKS}"] += 1
            return text
        return texts[frames.task_indices[0]]

    def _entry(self, index: int) -> EpisodeEntry:
        # An episode's samples are made one after another, and each needs its entry.
        if self._last_entry is None or self._last_entry.index != index:
            self._last_entry = self.dataset.entry(index)
        return self._last_entry

    def _image_name(self, entry: EpisodeEntry, camera: str, frame_index: int) -> str:
        """Return a media fragment in seconds for a video, the row and column for an image in a table."""
        clip = entry.clips.get(camera)
        if clip is not None:
            return f"{clip.path}#t={clip.start + frame_index / self.dataset.fps:.3f}"
        return f"{entry.data_file}#episode={entry.index}&frame={frame_index}&column={camera}"

    def _select_episodes(self) -> set[int] | None:
        if self.options.episodes is None:
            return None
        selected = parse_ranges(self.options.episodes, "--episodes")
        indices = self.dataset.episode_indices
        missing = selected.difference(indices)
        if missing:
            raise ConfigError(
                f"--episodes: the dataset has no episode {min(missing)}; it has {len(indices)}, up to {indices[-1]}."
            )
        return selected
