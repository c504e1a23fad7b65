"""The images of a sample: stills, clips of the frames up to its moment, or sheets of these frames.

A sheet is for models without video: the frames in rows, each with its time burned in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING

from pgen.components import ImageReader
from pgen.media.images import encode, fitted
from pgen.records import Clip, ClipFrame, Image, Prompt, Sample

if TYPE_CHECKING:
    import PIL.Image

SHAPE = 4 / 3
"""Width of a sheet to its height, about: models tile images of any shape, but not narrow strips."""


@dataclass(frozen=True, slots=True)
class SampleImages:
    """What a request shows of a sample: images and sheets, or clips; one for each camera."""

    images: tuple[Image, ...] = ()
    clips: tuple[Clip, ...] = ()


def read_sample(reader: ImageReader, sample: Sample, max_pixels: int, *, clips: bool) -> SampleImages:
    """Read a sample's images; a clip as such with `clips`, else as a sheet. Raises SampleError as the reader does."""
    if not sample.moment.clip:
        return SampleImages(reader.images(sample))
    read = read_clips(reader, sample)
    return SampleImages(clips=read) if clips else SampleImages(tuple(sheet(clip, max_pixels) for clip in read))


def with_clip(prompt: Prompt, sample: Sample) -> Prompt:
    """Return the prompt of a sample, with a description of its clip where it has one."""
    clip = sample.moment.clip
    if not clip:
        return prompt
    seconds = clip[-1].timestamp - clip[0].timestamp
    description = (
        f"Each camera is shown as its last {seconds:.1f} seconds, in {len(clip)} frames: as a video, or as one "
        "sheet of frames in reading order, each with its time in seconds. The last frame is the scene as it is now."
    )
    return replace(prompt, text=f"{description}\n\n{prompt.text}")


def read_clips(reader: ImageReader, sample: Sample) -> tuple[Clip, ...]:
    """Read a clip per camera, frame by frame. Raises SampleError as the reader does."""
    now = sample.moment.clip[-1].timestamp
    frames_read = [reader.images(_still(sample, frame)) for frame in sample.moment.clip]
    times = tuple(frame.timestamp - now for frame in sample.moment.clip)
    return tuple(Clip(frames[0].camera, frames, times) for frames in zip(*frames_read, strict=True))


def _still(sample: Sample, frame: ClipFrame) -> Sample:
    """The sample with one frame of its clip as its moment."""
    return replace(sample, moment=replace(sample.moment, frame_index=frame.frame_index, clip=()))


def sheet(clip: Clip, max_pixels: int) -> Image:
    """Return the clip's frames as one image of at most `max_pixels` pixels."""
    labels = [f"{time:+.1f} s" if time else "now" for time in clip.times]
    return grid(clip.camera, clip.frames, labels, max_pixels)


def grid(camera: str, frames: Sequence[Image], labels: Sequence[str], max_pixels: int) -> Image:
    """Return images in rows, in reading order, each with its label in its upper left corner."""
    return contact_sheet(camera, frames, labels, {}, max_pixels)


def sheet_size(frames: int, size: tuple[int, int], max_pixels: int) -> tuple[int, int]:
    """Return the width and height of a sheet of so many frames of this size."""
    columns, rows = _tiles(frames, size)
    width, height = fitted(*size, max_pixels // (columns * rows))
    return columns * width, rows * height


def _tiles(frames: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the columns and rows of a sheet."""
    width, height = size
    columns = min(frames, max(1, round((frames * height * SHAPE / width) ** 0.5)))
    return columns, ceil(frames / columns)


def contact_sheet(
    camera: str, frames: Sequence[Image], labels: Sequence[str], badges: Mapping[int, str], max_pixels: int
) -> Image:
    """Return images in rows, in reading order, each with its label in its upper left corner.

    The images at the places in `badges` have these texts instead, larger and on yellow.
    """
    import PIL.Image

    size = max(frame.width for frame in frames), max(frame.height for frame in frames)
    whole = PIL.Image.new("RGB", sheet_size(len(frames), size, max_pixels))
    columns, rows = _tiles(len(frames), size)
    # Scaled before the labels are drawn, tiles have labels that stay sharp.
    width, height = whole.width // columns, whole.height // rows
    for place, (frame, label) in enumerate(zip(frames, labels, strict=True)):
        with PIL.Image.open(BytesIO(frame.jpeg)) as picture:
            tile = picture.convert("RGB")
        tile.thumbnail((width, height))
        if place in badges:
            _burn_in(tile, badges[place], max(14, height // 6), "black", "yellow")
        else:
            _burn_in(tile, label, max(10, height // 12), "white", "black")
        whole.paste(tile, (place % columns * width, place // columns * height))
    return encode(whole, camera, max_pixels)


def _burn_in(tile: "PIL.Image.Image", label: str, size: int, ink: str, ground: str) -> None:
    from PIL import ImageDraw, ImageFont

    draw = ImageDraw.Draw(tile)
    font = ImageFont.load_default(size)
    left, top, right, bottom = draw.textbbox((4, 2), label, font)
    draw.rectangle((left - 3, top - 2, right + 3, bottom + 2), fill=ground)
    draw.text((4, 2), label, fill=ink, font=font)
