"""The videos: present where the metadata name them, readable to the end, with their episodes' frames."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av

from pgen_lerobot.format import NO_FILES, NO_VIDEO, NO_VIDEO_UNSEEN, Cameras, Dataset
from pgen_lerobot.verify.problems import Problem, in_input
from pgen_lerobot.write import INFO


def problems(dataset: Dataset, manifest: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """Report missing, truncated and short videos; add a note for videos longer than their episodes."""
    yield from missing(dataset, manifest, notes)
    needed: Counter[str] = Counter()
    for entry in dataset.entries():
        needed.update({clip.path: entry.length for clip in entry.clips.values()})
    longer = 0
    for path, frames in needed.items():
        if dataset.files.has(path):
            actual = _frames(dataset.root / path)
            longer += isinstance(actual, int) and actual > frames
            if isinstance(actual, str):
                yield Problem(path, f"the video cannot be read to its end: {actual}")
            elif actual < frames:
                yield Problem(path, f"the video has {actual} frames, its episodes have {frames}")
    if longer:
        notes.append(f"videos with more frames than their episodes: {longer}")


def missing(dataset: Dataset, record: dict[str, Any], notes: list[str]) -> Iterator[Problem]:
    """Report missing videos; those that the run's input lacked, by its `record`, become notes."""
    for camera, videos in Cameras(dataset).videos.items():
        if not videos.missing:
            continue
        counted = [(NO_FILES, 1), (NO_VIDEO, videos.missing), (NO_VIDEO_UNSEEN, videos.missing)]
        if any(in_input(record, note.format(camera), count) for note, count in counted):
            notes.append(f"camera {camera} has no video for {videos.missing} episodes; nor had the input")
        elif videos.first_missing:
            first = min(videos.episodes_without)
            what = f"the file is missing; episode {first} of camera {camera} is in it"
            yield Problem(videos.first_missing, what)
        else:
            yield Problem(INFO, f"camera {camera} has no files")


def _frames(path: Path) -> int | str:
    """Return the number of frames of a video, or the error that reading it to its end raises."""
    try:
        with closing(av.open(str(path))) as container:
            stream = container.streams.video[0]
            if not stream.frames:
                return sum(packet.pts is not None for packet in container.demux(stream))
            # The header has the number of frames: decoding the last group shows that the file is complete.
            container.seek(max(stream.duration or 0, 1) + (stream.start_time or 0), stream=stream)
            last = list(container.decode(stream))
            return int(stream.frames) if last else "its last frames are missing"
    except (av.FFmpegError, OSError, IndexError) as error:
        return str(error)
