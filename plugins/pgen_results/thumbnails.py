"""Small pictures for pages: the first camera of a sample, base64 of a JPEG, bounded in number and in bytes."""

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
"""All thumbnails of a page together, as JPEG."""


class Thumbnails:
    """Pictures by their number in `shown`; each `step`-th sample that is asked for has one."""

    def __init__(self, reader: ImageReader | None, step: int) -> None:
        self.shown: list[str] = []
        self.unreadable = 0
        self._reader, self._step = reader, step
        self._asked = self._bytes = 0

    def of(self, line: Line) -> int | None:
        """The number of a line's thumbnail, or None where it has none."""
        return self.at(from_line(line).sample)

    def at(self, sample: Sample) -> int | None:
        """The number of a sample's thumbnail, or None where it has none."""
        self._asked += 1
        if self._reader is None or not sample.cameras or (self._asked - 1) % self._step or self._bytes >= BYTES:
            return None
        try:
            first = replace(sample, cameras=sample.cameras[:1], images=sample.images[:1])
            (image,) = self._reader.images(first)
        except SampleError:
            self.unreadable += 1
            return None
        self._bytes += len(image.jpeg)
        self.shown.append(base64.b64encode(image.jpeg).decode())
        return len(self.shown) - 1


@contextmanager
def thumbnails(source: Source | None, samples: int, limit: int) -> Iterator[Thumbnails]:
    """At most `limit` thumbnails, evenly spread over `samples` samples."""
    step = max(1, -(-samples // limit)) if limit else 1
    if source is None or not limit:
        yield Thumbnails(None, step)
        return
    with source.reader(PIXELS) as reader:
        yield Thumbnails(reader, step)
