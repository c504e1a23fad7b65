"""The contract of sources."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from pgen.components.base import Component, OptionsT
from pgen.records import Episode, Image, Sample

ROOT = "root"
"""The option of a source that holds the input's path, which `--root` sets."""


class ImageReader(ABC):
    """Reads the images of samples, fastest in the order of the samples."""

    @abstractmethod
    def images(self, sample: Sample) -> tuple[Image, ...]:
        """Return one image per camera of the sample. Raises SampleError("decode", …)."""


class Source(Component[OptionsT]):
    """Reads episodes with their skills, and the images of samples."""

    kind = "source"
    output: ClassVar[str | None] = None
    """The sink that a run uses where none is named; None for the one that a plugin declares for all sources."""
    whole_episodes: ClassVar[bool] = True
    """Whether its samples have all skills of their episodes; otherwise dialogues are about single steps."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Endings of `--root` that select this source where none is named."""

    def open(self) -> None:
        """Check and prepare the input. Called once, first. Raises InputError or ConfigError."""

    def identity(self) -> dict[str, Any]:
        """Return what identifies the input, without its path: a dataset that was moved is the same dataset."""
        return {"name": self.name}

    @abstractmethod
    def episodes(self) -> Iterator[Episode]:
        """Iterate over the selected episodes in order; every call gives the same."""

    @property
    def folder(self) -> Path | None:
        """The input's folder, once open; outputs inside it are refused."""
        return None

    @abstractmethod
    def reader(self, max_pixels: int) -> "AbstractContextManager[ImageReader]":
        """Return a reader of images of at most `max_pixels` each; a reader serves one thread at a time."""

    def image_names(self, episode: Episode, frame_index: int) -> tuple[str, ...]:
        """Return references to a frame's images, one per camera, relative to the input."""
        return ()

    def image_sizes(self) -> Mapping[str, tuple[int, int]]:
        """Return the width and height of the images of each camera, as far as they are known without opening any."""
        return {}

    def notes(self) -> dict[str, int]:
        """Return counts of what was repaired or left out while reading; shown in the report and stored."""
        return {}

    def close(self) -> None:
        """Release what `open` acquired."""
