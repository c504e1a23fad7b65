"""The videos: there where the metadata name them, readable to their end, with the frames of their episodes."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av

from pgen_lerobot.format import NO_FILES, NO_VIDEO, NO_VIDEO_UNSEEN, Cameras, Dataset
from pgen_lerobot.verify.inherited import inherited
from pgen_lerobot.verify.problems import Problem

_INFO = "meta/info.json"


def problems(dataset: Dataset, manifest: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """What is missing, cut off or too short; a note for videos that go on behind their episodes."""
    yield from missing(dataset, manifest, notes)
    needed: Counter[str] = Counter()
    for entry in dataset.entries():
        needed.update({clip.path: entry.length for clip in entry.clips.values()})
    longer = 0
    for path, frames in needed.items():
        if dataset.files.has(path):
            found = _frames(dataset.root / path)
            longer += isinstance(found, int) and found > frames
            if isinstance(found, str):
                yield Problem(path, f"the video cannot be read to its end: {found}")
            elif found < frames:
                yield Problem(path, f"the video has {found} frames, its episodes have {frames}")
    if longer:
        notes.append(f"videos with more frames than their episodes: {longer}")


def missing(dataset: Dataset, record: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """A video that the input lacked too, by the record of the run, is noted again; any other is a problem."""
    for camera, videos in Cameras(dataset).videos.items():
        counted = (note.format(camera) for note in (NO_VIDEO, NO_VIDEO_UNSEEN))
        before = inherited(record, NO_FILES.format(camera), 1) or any(
            inherited(record, note, videos.missing) for note in counted
        )
        if videos.missing and before:
            notes.append(f"camera {camera} has no video for {videos.missing} episodes; nor had the input")
        elif videos.missing:
            first = min(videos.episodes)
            what = f"the file is missing; episode {first} of camera {camera} is in it"
            yield Problem(videos.first or _INFO, what if videos.first else f"camera {camera} has no files")


def _frames(path: Path) -> int | str:
    """How many frames a video has, by its header where that counts them; or what keeps it from being read."""
    try:
        return _counted(path)
    except (av.FFmpegError, OSError, IndexError) as error:
        return str(error)


def _counted(path: Path) -> int | str:
    container = av.open(str(path))
    with closing(container):
        stream = container.streams.video[0]
        if not stream.frames:
            return sum(packet.pts is not None for packet in container.demux(stream))
        container.seek(max(stream.duration or 0, 1) + (stream.start_time or 0), stream=stream)
        last = list(container.decode(stream))
        return int(stream.frames) if last else "its last frames are missing"
