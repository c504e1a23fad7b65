"""Which of a dataset's cameras can be shown: those with 8-bit pictures, and with files.

What is left out, and which videos are missing, becomes a counted note; `verify` reads the same from a
dataset to tell what it always lacked from what was lost.
"""

from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from io import BytesIO
from typing import Any

import PIL.Image
import pyarrow as pa

from pgen.errors import ConfigError, InputError
from pgen_lerobot.format.dataset import Dataset

NO_VIDEO = "episodes without a video of camera {}: a sample there fails"
NO_VIDEO_UNSEEN = "episodes without a video of camera {}, which is not shown"
NO_FILES = "camera {} is declared, but has no files: left out"
DEEP = "camera {} holds depth or other 16-bit pictures: left out"


@dataclass(slots=True)
class Videos:
    """A video camera's files by episode: how many there are and lack, and the first that is missing."""

    found: int = 0
    missing: int = 0
    first: str | None = None
    """The first missing file, or None where the metadata name no file at all."""
    episodes: set[int] = field(default_factory=set)
    """The episodes that lack one."""


class Cameras:
    """The cameras of a dataset, looked at once."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @cached_property
    def videos(self) -> dict[str, Videos]:
        """What there is of each video camera, whatever its pictures."""
        known = {key: Videos() for key, kind in self._dataset.cameras.items() if kind == "video"}
        there = lru_cache(maxsize=None)(self._dataset.files.has)
        for entry in self._dataset.entries() if known else ():
            for key, videos in known.items():
                clip = entry.clips.get(key)
                path = clip.path if clip else None
                if path is not None and there(path):
                    videos.found += 1
                else:
                    videos.missing += 1
                    videos.first = videos.first or path
                    videos.episodes.add(entry.index)
        return known

    @cached_property
    def left_out(self) -> dict[str, str]:
        """The cameras that cannot be shown, each with the note that says why."""
        told = {key: self._objection(key, kind) for key, kind in self._dataset.cameras.items()}
        return {key: note.format(key) for key, note in told.items() if note}

    def choose(self, named: tuple[str, ...], most: int | None, wanted: set[int] | None) -> tuple[str, ...]:
        """The cameras to show. Raises ConfigError for one that is unknown, InputError where nothing can be shown."""
        known = self._dataset.cameras
        for camera in named:
            if camera not in known:
                close = get_close_matches(camera, known, n=1, cutoff=0.4)
                hint = f"did you mean {close[0]}? There are" if close else "there are"
                raise ConfigError(f"--camera: there is no camera {camera!r}; {hint}: {', '.join(known)}.")
            if named.count(camera) > 1:
                raise ConfigError(f"--camera: {camera} is named {named.count(camera)} times; name each camera once.")
            if camera in self.left_out:
                raise InputError(f"--camera {camera}: {self._why(camera)}")
        if most == 0:
            return ()
        usable = [camera for camera in known if camera not in self.left_out]
        if known and not usable:
            raise InputError(self._why(next(iter(known))))
        chosen = (named or tuple(usable))[:most]
        for camera in chosen:
            self._check_wanted(camera, wanted)
        return chosen

    def notes(self, chosen: tuple[str, ...]) -> Counter[str]:
        """What was left out, and the videos that are missing, whether their camera is shown or not."""
        found = Counter(self.left_out.values())
        for camera, videos in self.videos.items():
            if videos.missing and self.left_out.get(camera) != NO_FILES.format(camera):
                note = NO_VIDEO if camera in chosen else NO_VIDEO_UNSEEN
                found[note.format(camera)] = videos.missing
        return found

    def _why(self, camera: str) -> str:
        if self.left_out[camera] == DEEP.format(camera):
            return f"camera {camera} holds depth or other 16-bit pictures, which no model is shown; choose another."
        return self._missing(camera)

    def _missing(self, camera: str) -> str:
        videos = self.videos.get(camera)
        first = videos.first if videos else None
        told = f"{self._dataset.root / first} is missing" if first else f"camera {camera} is declared without files"
        return (
            f"{told}: there is no picture of camera {camera} for any chosen episode. Fetch the files, choose other "
            "cameras with --camera or episodes with --episodes, or annotate without pictures with "
            "--num-image-views-per-sample 0."
        )

    def _check_wanted(self, camera: str, wanted: set[int] | None) -> None:
        """Where no chosen episode has the camera's video, every sample would fail."""
        videos = self.videos.get(camera)
        if videos is not None and wanted and wanted <= videos.episodes:
            raise InputError(self._missing(camera))

    def _objection(self, key: str, kind: str) -> str | None:
        if _is_deep(self._dataset.features[key]):
            return DEEP
        if kind == "video":
            return None if self.videos[key].found else NO_FILES
        holding = (name for name in self._dataset.data_files if key in self._columns(name))
        name = next(holding, None)
        if name is None:
            return NO_FILES
        return DEEP if _is_16_bit(self._first_picture(name, key)) else None

    def _columns(self, name: str) -> list[str]:
        with self._dataset.shard(name) as shard:
            return list(shard.schema_arrow.names)

    def _first_picture(self, name: str, key: str) -> bytes:
        try:
            with self._dataset.shard(name) as shard:
                batch = next(shard.iter_batches(1, columns=[key]), None)
                cell = batch.column(key)[0].as_py() if batch else None
        except (OSError, pa.ArrowException):
            return b""
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        return data if isinstance(data, bytes) else b""


def _is_16_bit(data: bytes) -> bool:
    try:
        with PIL.Image.open(BytesIO(data)) as picture:
            return picture.mode.startswith(("I", "F"))
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError):
        return False


def _is_deep(feature: dict[str, Any]) -> bool:
    """Whether info.json says that it is depth, or 16-bit grey."""
    told = {**(feature.get("video_info") or {}), **(feature.get("info") or {})}
    if told.get("is_depth_map") or told.get("video.is_depth_map"):
        return True
    return str(told.get("video.pix_fmt", "")).startswith(("gray1", "gray9"))
