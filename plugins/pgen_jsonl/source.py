"""The source and the sink `jsonl`: a file of D_labeled lines (schema `labeled`), each a sample, and D_syn lines.

Image paths are relative to the file and may not lead outside its folder. Samples with an image that cannot be opened
are counted when the source is opened, and fail.
"""

from array import array
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from pathlib import Path
from typing import Any

import PIL.Image
from pydantic import Field

from pgen.components import ImageReader, Options, Results, Sink, Source
from pgen.errors import ConfigError, InputError, SampleError
from pgen.formats.lfs_pointers import check_fetched
from pgen.formats.schemas import validator
from pgen.formats.syn_annotations import FILE, labeled_sample, write_lines
from pgen.media import check_size, read_file
from pgen.records import Episode, Image, Sample
from pgen.run import manifest
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
    whole_episodes = False
    output = "jsonl"
    suffixes = (".jsonl",)
    _unreadable = 0

    def open(self) -> None:
        """Validate every line and read the header of every image, before the first request."""
        root = self.options.root
        if not root.is_file():
            raise ConfigError(f"--root: there is no file {root}.")
        paths: dict[Path, None] = {}
        problems = []
        for number, line in self._lines():
            where = f"{root}, line {number}"
            images = [linked_inside(root.parent, name, where) for name in line["images"]]
            paths.update(dict.fromkeys(images))
            unreadable = (_image_problem(path) for path in images[: self.options.views])
            problems.append(next((f"{where}: the image {problem}" for problem in unreadable if problem), ""))
        check_fetched(paths)
        if problems and all(problems):
            raise InputError(f"{problems[0]} No sample of {root} has images that open.")
        self._unreadable = sum(map(bool, problems))

    def notes(self) -> dict[str, int]:
        return {"samples with an image that does not open": self._unreadable} if self._unreadable else {}

    def episodes(self) -> Iterator[Episode]:
        """Yield an episode for each group of consecutive lines with the same episode_id."""
        lines = (line for _, line in self._lines())
        for index, (name, group) in enumerate(groupby(lines, key=lambda line: str(line["episode_id"]))):
            samples = tuple(labeled_sample(line, index, self.options.views) for line in group)
            yield Episode(index, name, samples[0].span.task, 1.0, array("d"), (), samples=samples)

    def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
        return nullcontext(FileImages(self.options.root.parent, max_pixels))

    def _lines(self) -> Iterator[tuple[int, dict[str, Any]]]:
        check = validator("labeled")
        for number, line in json_lines(self.options.root):
            if problem := check.first_error(line):
                raise InputError(
                    f"{self.options.root}, line {number} does not fit the schema `labeled` at {problem}. "
                    "See `pgen schema labeled`."
                )
            yield number, line


def _image_problem(path: Path) -> str:
    """Return why an image cannot be opened, or ""."""
    if kind := special(path):
        return f"{path} is {kind}, not a file."
    try:
        with PIL.Image.open(path) as image:
            check_size(image.width, image.height)
    except FileNotFoundError:
        return f"{path} is missing."
    except Exception as error:  # PIL's decoders may raise anything
        return f"{path} does not open: {error}."
    return ""


class FileImages(ImageReader):
    """Images in files of their own."""

    def __init__(self, folder: Path, max_pixels: int) -> None:
        self._folder = folder
        self._max_pixels = max_pixels

    def images(self, sample: Sample) -> tuple[Image, ...]:
        names, cameras = sample.moment.images, sample.moment.cameras
        if len(names) != len(cameras):
            raise SampleError("decode", f"{len(names)} images are named for {len(cameras)} cameras")
        return tuple(self._read(name, camera) for name, camera in zip(names, cameras, strict=True))

    def _read(self, name: str, camera: str) -> Image:
        try:
            path = linked_inside(self._folder, name, "images")
        except InputError as error:
            raise SampleError("decode", str(error)) from None
        return read_file(path, name, camera, self._max_pixels)


class JsonlSink(Sink):
    """D_syn lines: each sample with its user prompt and robot utterance."""

    name = "jsonl"

    def write(self, results: Results, out: Path) -> None:
        write_lines(out / FILE, results)
        manifest.write(out / "manifest.json", results.manifest)
