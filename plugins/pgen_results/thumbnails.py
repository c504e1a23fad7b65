"""Thumbnails for pages: the first camera of a sample, base64 of a JPEG, limited in number and in bytes."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pgen.components import ImageReader, Source
from pgen.errors import SampleError
from pgen.formats.syn_annotations import from_line
from pgen.records import Sample
from pgen_results.read import Line

PIXELS = 208 * 156
BYTES = 6_000_000
"""The most bytes of all thumbnails of a page together, as JPEG."""


class Thumbnails:
    """Thumbnails by their position in `images`; every `step`-th sample that is passed in has one."""

    def __init__(self, reader: ImageReader | None, step: int) -> None:
        self.images: list[str] = []
        self.unreadable = 0
        self._reader, self._step = reader, step
        self._samples = self._bytes = 0

    def of_line(self, line: Line) -> int | None:
        """Return the position of an annotation's thumbnail, or None where it has none."""
        return self.of_sample(from_line(line).sample)

    def of_sample(self, sample: Sample) -> int | None:
        """Return the position of a sample's thumbnail, or None where it has none."""
        skipped = self._samples % self._step > 0
        self._samples += 1
        moment = sample.moment
        if skipped or self._reader is None or not moment.cameras or self._bytes >= BYTES:
            return None
        first = replace(moment, cameras=moment.cameras[:1], images=moment.images[:1])
        try:
            (image,) = self._reader.images(replace(sample, moment=first))
        except SampleError:
            self.unreadable += 1
            return None
        self._bytes += len(image.jpeg)
        self.images.append(base64.b64encode(image.jpeg).decode())
        return len(self.images) - 1


@contextmanager
def open_thumbnails(source: Source | None, samples: int, limit: int) -> Iterator[Thumbnails]:
    """Make at most `limit` thumbnails, evenly spread over `samples` samples."""
    if source is None or not limit:
        yield Thumbnails(None, 1)
        return
    with source.reader(PIXELS) as reader:
        yield Thumbnails(reader, max(1, -(-samples // limit)))
