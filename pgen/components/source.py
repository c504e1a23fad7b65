"""The contract of sources."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from pgen.components.base import Component
from pgen.records import Episode, Image, Sample


class ImageReader:
    """Reads the pictures of samples. Samples of one file are best asked for in order."""

    def images(self, sample: Sample) -> tuple[Image, ...]:
        """One picture a camera of the sample. Raises SampleError("decode", …)."""
        raise NotImplementedError  # abstract: whoever implements this kind says it


class Source(Component):
    """Episodes with their skills, and the pictures of a sample."""

    kind = "source"
    output: ClassVar[str] = "jsonl"
    """The sink that is used where none is named."""

    def open(self) -> None:
        """Check the input and make it ready. Raises InputError or ConfigError. Called once, first."""

    def identity(self) -> dict[str, Any]:
        """Without the input's place: a dataset that was moved is the same dataset."""
        return {"name": self.name}

    def episodes(self) -> Iterator[Episode]:
        """The chosen episodes in order. May be called more than once and gives the same each time."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    @property
    def folder(self) -> Path | None:
        """The folder that the input is, once open; no output is written into it."""
        return None

    def reader(self, max_pixels: int) -> "AbstractContextManager[ImageReader]":
        """A reader of pictures of at most `max_pixels` each; a reader serves one thread at a time."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def image_names(self, episode: Episode, frame_index: int) -> tuple[str, ...]:
        """References to a frame's pictures, one a camera, relative to the input."""
        return ()

    def notes(self) -> dict[str, int]:
        """What was repaired or left out while reading, counted: shown to the user and stored."""
        return {}

    def close(self) -> None:
        """Release what `open` took."""
