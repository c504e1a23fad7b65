"""The cameras of a dataset that can be shown to a model: those with 8-bit images and with files.

Cameras that are left out and missing videos become counted notes; `verify` compares these with the notes of the
run, to distinguish files that the input lacked from files that were lost.
"""

from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property, lru_cache
from io import BytesIO
from typing import Any

import pyarrow as pa

from pgen.errors import ConfigError, InputError
from pgen_lerobot.format.dataset import Dataset

NO_VIDEO = "episodes without a video of camera {}: a sample there fails"
NO_VIDEO_UNSEEN = "episodes without a video of camera {}, which is not shown"
NO_FILES = "camera {} is declared, but has no files: left out"
DEEP = "camera {} holds depth or other 16-bit pictures: left out"


@dataclass(slots=True)
class Videos:
    """The files of a video camera."""

    present: int = 0
    first_missing: str | None = None
    """The first missing file; None where the metadata name no file."""
    episodes_without: set[int] = field(default_factory=set)

    @property
    def missing(self) -> int:
        return len(self.episodes_without)


class Cameras:
    """The cameras of a dataset, examined once."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    @cached_property
    def videos(self) -> dict[str, Videos]:
        """The files of each video camera, whether it can be shown or not."""
        cameras = {key: Videos() for key, kind in self._dataset.cameras.items() if kind == "video"}
        has = lru_cache(maxsize=None)(self._dataset.files.has)
        for entry in self._dataset.entries() if cameras else ():
            for key, videos in cameras.items():
                path = entry.clips[key].path if key in entry.clips else None
                if path is not None and has(path):
                    videos.present += 1
                else:
                    videos.first_missing = videos.first_missing or path
                    videos.episodes_without.add(entry.index)
        return cameras

    @cached_property
    def left_out(self) -> dict[str, str]:
        """The cameras that cannot be shown, each with a note of the reason."""
        reasons = {key: self._reason(key, kind) for key, kind in self._dataset.cameras.items()}
        return {key: note.format(key) for key, note in reasons.items() if note}

    def choose(self, named: tuple[str, ...], limit: int | None, selected: set[int] | None) -> tuple[str, ...]:
        """Return the cameras to show: those named, else all that can be shown, at most `limit`.

        Raises ConfigError for an unknown camera, InputError for one that cannot be shown in a selected episode.
        """
        cameras = self._dataset.cameras
        for camera in named:
            self._check_named(camera, named)
        if limit == 0:
            return ()
        usable = [camera for camera in cameras if camera not in self.left_out]
        if cameras and not usable:
            raise InputError(self._explain(next(iter(cameras))))
        chosen = (named or tuple(usable))[:limit]
        for camera in chosen:
            videos = self.videos.get(camera)
            if videos is not None and selected and selected <= videos.episodes_without:
                raise InputError(self._explain_missing(camera))
        return chosen

    def sizes(self, chosen: tuple[str, ...]) -> dict[str, tuple[int, int]]:
        """Return the width and height of the cameras of which info.json states them."""
        sizes = ((camera, _size(self._dataset.features[camera])) for camera in chosen)
        return {camera: size for camera, size in sizes if size}

    def notes(self, chosen: tuple[str, ...]) -> Counter[str]:
        """Return the cameras that are left out and the missing videos of all others, counted."""
        notes = Counter(self.left_out.values())
        for camera, videos in self.videos.items():
            if videos.missing and self.left_out.get(camera) != NO_FILES.format(camera):
                note = NO_VIDEO if camera in chosen else NO_VIDEO_UNSEEN
                notes[note.format(camera)] = videos.missing
        return notes

    def _check_named(self, camera: str, named: tuple[str, ...]) -> None:
        cameras = self._dataset.cameras
        if camera not in cameras:
            close = get_close_matches(camera, cameras, n=1, cutoff=0.4)
            hint = f"did you mean {close[0]}? There are" if close else "there are"
            raise ConfigError(f"--camera: there is no camera {camera!r}; {hint}: {', '.join(cameras)}.")
        if named.count(camera) > 1:
            raise ConfigError(f"--camera: {camera} is named {named.count(camera)} times; name each camera once.")
        if camera in self.left_out:
            raise InputError(f"--camera {camera}: {self._explain(camera)}")

    def _explain(self, camera: str) -> str:
        if self.left_out[camera] == DEEP.format(camera):
            return f"camera {camera} holds depth or other 16-bit pictures, which no model is shown; choose another."
        return self._explain_missing(camera)

    def _explain_missing(self, camera: str) -> str:
        first = self.videos[camera].first_missing if camera in self.videos else None
        reason = f"{self._dataset.root / first} is missing" if first else f"camera {camera} is declared without files"
        return (
            f"{reason}: there is no picture of camera {camera} for any chosen episode. Fetch the files, choose other "
            "cameras with --camera or episodes with --episodes, or annotate without pictures with "
            "--num-image-views-per-sample 0."
        )

    def _reason(self, key: str, kind: str) -> str | None:
        """Return the note that says why a camera cannot be shown; None where it can."""
        if _is_deep(self._dataset.features[key]):
            return DEEP
        if kind == "video":
            return None if self.videos[key].present else NO_FILES
        names = (name for name in self._dataset.data_files if key in self._dataset.footer(name).columns)
        name = next(names, None)
        if name is None:
            return NO_FILES
        return DEEP if _is_16_bit(self._first_image(name, key)) else None

    def _first_image(self, name: str, key: str) -> bytes:
        try:
            with self._dataset.shard(name, shared=True) as shard:
                batch = next(shard.iter_batches(1, columns=[key]), None)
                cell = batch.column(key)[0].as_py() if batch else None
        except (OSError, pa.ArrowException):
            return b""
        data = cell.get("bytes") if isinstance(cell, dict) else cell
        return data if isinstance(data, bytes) else b""


def _is_16_bit(data: bytes) -> bool:
    import PIL.Image

    try:
        with PIL.Image.open(BytesIO(data)) as image:
            return image.mode.startswith(("I", "F"))
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError):
        return False


def _size(feature: dict[str, Any]) -> tuple[int, int] | None:
    """Return the width and height that info.json states; None where it does not."""
    names, shape = feature.get("names"), feature.get("shape")
    if not (isinstance(names, list) and isinstance(shape, list) and len(names) == len(shape)):
        return None
    lengths = {str(name): length for name, length in zip(names, shape, strict=True)}
    width, height = (lengths.get(name) for name in ("width", "height"))
    if not (isinstance(width, int) and isinstance(height, int) and min(width, height) > 0):
        return None
    return width, height


def _is_deep(feature: dict[str, Any]) -> bool:
    """Return whether info.json declares depth or 16-bit grey."""
    info = {**(feature.get("video_info") or {}), **(feature.get("info") or {})}
    if info.get("is_depth_map") or info.get("video.is_depth_map"):
        return True
    return str(info.get("video.pix_fmt", "")).startswith(("gray1", "gray9"))
