"""The contact sheet of numbered spans: the frame at each edge with its time, and the middle of each span.

Cameras that show nothing, or in which nothing changes, are left out.
"""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import numpy as np

from pgen.components import ImageReader
from pgen.media import SampleImages, contact_sheet, encode
from pgen.records import Clip, ClipFrame, Episode, Image, Moment, Sample, SpanContext
from pgen_segment.motion.spans import MotionSpan
from pgen_segment.normalize import FrameEdges
from pgen_segment.vlm.windows import read_cameras

FRAME_PIXELS = 100_000
"""Pixels of a frame on a sheet of few, together for all cameras."""
MAX_PIXELS = 64_000_000
"""More than any frame has: a cropped frame is not scaled."""
_THUMBNAIL = (32, 24)
_DARK = 12
"""Mean brightness, of 255, below which a camera is covered or off."""
_STILL = 0.15
"""Mean change of brightness between two frames, of 255, below which a camera shows no motion; noise stays below."""


def numbered_sample(episode: Episode, pieces: Sequence[MotionSpan], first: int) -> Sample:
    """Return the frames of numbered spans as a sample, whose clip they are; `skill_index` is the first number."""
    edges = FrameEdges(episode)
    last = len(episode.timestamps) - 1
    bounds = [edges.nearest(piece.start) for piece in pieces] + [edges.nearest(pieces[-1].end)]
    frames = [frame for start, stop in pairwise(bounds) for frame in (start, (start + stop) // 2)] + [bounds[-1]]
    clip = tuple(ClipFrame(min(frame, last), episode.timestamps[min(frame, last)]) for frame in frames)
    span = SpanContext(episode.index, episode.id, episode.task, first, episode.task, (), ())
    return Sample(span, Moment(*clip[-1], episode.cameras, (), clip))


def is_numbered(sample: Sample) -> bool:
    """Return whether a sample shows numbered spans."""
    return sample.span.skill_index > 0


def read_sheets(reader: ImageReader, sample: Sample, max_pixels: int, most: int) -> SampleImages:
    """Read a sheet of each of at most `most` useful cameras, with `max_pixels` together.

    Raises SampleError where no camera can be read.
    """
    clips = list(map(cropped, useful(read_cameras(reader, sample), most)))
    labels = [f"{frame.timestamp:.1f} s" for frame in sample.moment.clip]
    numbers = range(sample.span.skill_index, sample.span.skill_index + len(labels) // 2)
    badges = dict(zip(range(1, len(labels), 2), map(str, numbers), strict=True))
    pixels = min(max_pixels, len(labels) * FRAME_PIXELS) // len(clips)
    return SampleImages(tuple(contact_sheet(clip.camera, clip.frames, labels, badges, pixels) for clip in clips))


def useful(clips: Sequence[Clip], most: int) -> list[Clip]:
    """Return the cameras in which most changes, in their order; all that are equal where none shows any motion."""
    changes = {clip.camera: _change(clip.frames) for clip in clips}
    moving = [clip for clip in clips if changes[clip.camera] > _STILL] or list(clips)
    chosen = sorted(moving, key=lambda clip: -changes[clip.camera])[:most]
    return [clip for clip in clips if clip in chosen]


def cropped(clip: Clip) -> Clip:
    """Return the clip without black bars: borders that are dark in all frames."""
    import PIL.Image

    pictures = []
    for frame in clip.frames:
        with PIL.Image.open(BytesIO(frame.jpeg)) as picture:
            pictures.append(picture.convert("RGB"))
    if len({picture.size for picture in pictures}) > 1:
        return clip
    lit = np.max([np.asarray(picture.convert("L")) for picture in pictures], axis=0) > _DARK
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    if not len(rows) or lit.shape == (np.ptp(rows) + 1, np.ptp(columns) + 1):
        return clip
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    frames = tuple(encode(picture.crop(box), clip.camera, MAX_PIXELS) for picture in pictures)
    return replace(clip, frames=frames)


def _change(frames: Sequence[Image]) -> float:
    """Return by how much two frames in succession differ, in brightness; 0 for a dark camera."""
    import PIL.Image

    shades = []
    for frame in frames:
        with PIL.Image.open(BytesIO(frame.jpeg)) as picture:
            shades.append(np.asarray(picture.convert("L").resize(_THUMBNAIL), dtype=np.float32))
    if np.mean(shades) < _DARK or len(shades) < 2:
        return 0.0
    return float(np.mean([np.abs(b - a).mean() for a, b in pairwise(shades)]))
