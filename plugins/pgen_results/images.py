"""The images of a page: small ones of the first camera, and large ones of all cameras as far as their bytes allow.

Images are base64 of JPEGs, limited in number and in bytes.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO

from pgen.components import ImageReader, Phase, Source, silent
from pgen.errors import SampleError
from pgen.media import encode
from pgen.records import Image, Sample
from pgen_results.selection import choose

PIXELS = 208 * 156
LARGE_PIXELS = 640 * 480
BYTES = 6_000_000
LARGE_BYTES = 9_000_000
"""The most bytes of all small and of all large images of a page, as JPEG."""
PROBLEM, FIRST, OTHER = 2, 1, 0
"""Which moments have images first: those with a problem, then the first of each span."""


@dataclass(slots=True)
class PageImages:
    """Images by number: `small` as base64, `large` as camera and base64. `numbers` has one per moment, or None."""

    small: list[str] = field(default_factory=list)
    large: list[list[tuple[str, str]]] = field(default_factory=list)
    numbers: list[int | None] = field(default_factory=list)
    unreadable: int = 0


def read_images(
    source: Source | None, moments: Sequence[tuple[int, Sample]], limit: int, phase: Phase = silent
) -> PageImages:
    """Read images of at most `limit` moments, each given as its rank and a sample: by rank, evenly within a rank."""
    images = PageImages(numbers=[None] * len(moments))
    if source is None or not limit:
        return images
    chosen = choose([rank for rank, _ in moments], limit)
    order = sorted((-rank, position) for position, (rank, _) in enumerate(moments) if chosen[position])
    step = phase("images", len(order), "moment")
    with source.reader(LARGE_PIXELS) as reader:
        reading = _Reading(images, reader)
        for _, position in order:
            reading.read(position, moments[position][1])
            step(1)
    return images


class _Reading:
    """Reads one moment after another, and stops at the limits of bytes."""

    def __init__(self, images: PageImages, reader: ImageReader) -> None:
        self._images, self._reader = images, reader
        self._bytes = self._large_bytes = 0

    def read(self, position: int, sample: Sample) -> None:
        """Read the images of a moment, unless the page has enough bytes or the moment has none."""
        if self._bytes >= BYTES or not sample.moment.cameras:
            return
        fits = self._large_bytes < LARGE_BYTES
        try:
            read = self._reader.images(sample if fits else _first_camera(sample))
        except SampleError:
            self._images.unreadable += 1
            return
        small = _scaled(read[0])
        self._images.numbers[position] = len(self._images.small)
        self._images.small.append(_base64(small))
        self._bytes += len(small.jpeg)
        large = read if fits and (len(read) > 1 or small is not read[0]) else ()
        self._images.large.append([(image.camera, _base64(image)) for image in large])
        self._large_bytes += sum(len(image.jpeg) for image in large)


def _first_camera(sample: Sample) -> Sample:
    moment = sample.moment
    return replace(sample, moment=replace(moment, cameras=moment.cameras[:1], images=moment.images[:1]))


def _scaled(image: Image) -> Image:
    """Return the image with at most PIXELS."""
    if image.width * image.height <= PIXELS:
        return image
    import PIL.Image

    with PIL.Image.open(BytesIO(image.jpeg)) as opened:
        return encode(opened, image.camera, PIXELS)


def _base64(image: Image) -> str:
    return base64.b64encode(image.jpeg).decode()
