"""The source `jsonl`: a file of D_labeled lines (schema `labeled`), each of them a sample.

Image paths are relative to the file and may not lead outside its folder. Every line is checked, and every
image's header read, before anything is paid for: samples with an image that does not open are counted, and fail.
"""

from array import array
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import groupby
from pathlib import Path
from typing import Any

import PIL.Image
from pydantic import Field

from pgen.components import ImageReader, Options, Source
from pgen.errors import ConfigError, InputError, SampleError
from pgen.formats.lfs_pointers import check_fetched
from pgen.formats.schemas import first_error, validator
from pgen.formats.syn_annotations import labeled_sample
from pgen.media import check_size, read_file
from pgen.records import Episode, Image, Sample
from pgen.safety.bounded_json import json_lines
from pgen.safety.paths import linked_inside, special


class JsonlOptions(Options):
    root: Path
    """The file of D_labeled lines."""
    views: int | None = Field(None, ge=0)
    """Show at most this many images a sample, the first ones of its line; none with 0."""


class JsonlSource(Source[JsonlOptions]):
    """D_labeled lines: episode_id, t, images, skill_current, skill_history, task_description."""

    name = "jsonl"
    output = "jsonl"
    suffixes = (".jsonl",)
    _unreadable = 0

    def open(self) -> None:
        if not self.options.root.is_file():
            raise ConfigError(f"--root: there is no file {self.options.root}.")
        check_fetched(dict.fromkeys(self._image_paths()))
        reasons = list(self._unreadable_samples())
        if reasons and all(reasons):
            raise InputError(f"{reasons[0]} No sample of {self.options.root} has images that open.")
        self._unreadable = sum(map(bool, reasons))

    def notes(self) -> dict[str, int]:
        return {"samples with an image that does not open": self._unreadable} if self._unreadable else {}

    def episodes(self) -> Iterator[Episode]:
        """Consecutive lines of one episode_id are an episode."""
        lines = (line for _, line in self._lines())
        for index, (name, group) in enumerate(groupby(lines, key=lambda line: str(line["episode_id"]))):
            samples = tuple(labeled_sample(line, index, self.options.views) for line in group)
            yield Episode(index, name, samples[0].span.task, 1.0, array("d"), (), samples=samples)

    def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
        return FileImages(self.options.root.parent, max_pixels)

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        check = validator("labeled")
        for number, line in json_lines(self.options.root):
            if problem := first_error(check, line):
                raise InputError(
                    f"{self.options.root}, line {number} does not fit the schema `labeled` at {problem}. "
                    "See `pgen schema labeled`."
                )
            yield number, line

    def _image_paths(self) -> Iterator[Path]:
        for number, line in self._lines():
            for name in line["images"]:
                yield linked_inside(self.options.root.parent, name, f"{self.options.root}, line {number}")

    def _unreadable_samples(self) -> Iterator[str]:
        """For each line the reason why its first image that does not open does not; empty where all do."""
        for number, line in self._lines():
            shown = line["images"][: self.options.views]
            reasons = (self._unreadable_image(name, f"{self.options.root}, line {number}") for name in shown)
            yield next(filter(None, reasons), "")

    def _unreadable_image(self, name: str, where: str) -> str:
        path = linked_inside(self.options.root.parent, name, where)
        if kind := special(path):
            return f"{where}: the image {path} is {kind}, not a file."
        try:
            with PIL.Image.open(path) as picture:
                check_size(picture.width, picture.height)
        except FileNotFoundError:
            return f"{where}: the image {path} is missing."
        except Exception as error:  # a decoder of PIL may raise anything
            return f"{where}: the image {path} does not open: {error}."
        return ""


class FileImages(ImageReader):
    """Pictures in files of their own."""

    def __init__(self, folder: Path, max_pixels: int) -> None:
        self._folder = folder
        self._max_pixels = max_pixels

    def __enter__(self) -> "FileImages":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held open."""

    def images(self, sample: Sample) -> tuple[Image, ...]:
        if len(sample.moment.images) != len(sample.moment.cameras):
            raise SampleError(
                "decode", f"{len(sample.moment.images)} images are named for {len(sample.moment.cameras)} cameras"
            )
        return tuple(
            self._read(name, camera) for name, camera in zip(sample.moment.images, sample.moment.cameras, strict=True)
        )

    def _read(self, name: str, camera: str) -> Image:
        try:
            path = linked_inside(self._folder, name, "images")
        except InputError as error:
            raise SampleError("decode", str(error)) from None
        return read_file(path, name, camera, self._max_pixels)
