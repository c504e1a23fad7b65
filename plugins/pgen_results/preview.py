"""A few samples asked about before the whole is: the run's own pipeline, in a folder that is gone afterwards.

The samples are spread over the episodes, and over their length. What was sent is recorded as it was sent.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from io import BytesIO
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pgen.components import Generator, ImageReader, Results, Sampler, Sink, Source
from pgen.media.clips import sheet
from pgen.media.images import encode
from pgen.records import Annotation, Episode, Image, Reply, Request, Sample
from pgen.run.planning import samples_of
from pgen.seeds import sample_key

SHOWN_PIXELS = 320 * 240


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked and came back: annotations in order, and by sample the requests with the replies' text."""

    annotations: list[Annotation]
    exchanges: dict[str, list[tuple[Request, str]]]
    manifest: dict[str, Any]
    samples: int
    """Samples of the whole run."""

    def of(self, annotation: Annotation) -> list[tuple[Request, str]]:
        return self.exchanges.get(sample_key(annotation.sample), [])


def ask(config: Path | None, options: Sequence[str], flags: Mapping[str, Any]) -> Asked:
    """Ask about `max_samples` samples with the options of `pgen annotate`. Raises PgenError as a run does."""
    from pgen.cli.progress import ProgressBar
    from pgen.config.assembly import create
    from pgen.config.runfile import build, resolve
    from pgen.run.run import Run
    from pgen_local.executor import Local

    with TemporaryDirectory(prefix="pgen-preview-") as folder:
        given = {"judge_share": 1.0, **resolve(config, flags, options)}  # of a few, a tenth would mostly be none
        values = {**given, "output_dir": Path(folder) / "preview", "max_failures": 1.0}
        settings = build(values)
        parts = create(settings)
        few = Few(parts.source, parts.sampler, settings.run.max_samples or 1, settings.run.variants)
        recorder, kept = Recorder(parts.generator), Kept()
        chosen = replace(parts, source=few, generator=recorder, executor=Local(), sinks=(kept,))
        with Run(settings.run, chosen) as run, ProgressBar() as bar:
            run.execute(bar.start)
    return Asked(kept.annotations, recorder.exchanges, kept.manifest, few.samples)


def spread(counts: Sequence[int], wanted: int) -> list[list[int]]:
    """For each episode of so many samples, the positions of those to take: `wanted` in all, where there are as many.

    Fewer than episodes: every so many episodes give one each, at another point of their length.
    """
    taken: list[list[int]] = [[] for _ in counts]
    filled = [place for place, count in enumerate(counts) if count]
    some = min(wanted, len(filled))
    for turn in range(some):
        place = filled[(2 * turn + 1) * len(filled) // (2 * some)]
        share = wanted // some + (turn < wanted % some)
        taken[place] = _evenly(counts[place], share, (turn + 0.5) / some)
    return _filled_up(taken, counts, wanted)


class Few(Source):
    """A source of which only some moments are asked about: enough for `wanted` samples, `variants` of each."""

    name = "few"

    def __init__(self, inner: Source, sampler: Sampler, wanted: int, variants: int = 1) -> None:
        super().__init__()
        self._inner, self._sampler, self._variants = inner, sampler, variants
        self._wanted = ceil(wanted / variants)
        self._taken: list[list[int]] = []
        self.samples = 0

    def open(self) -> None:
        self._inner.open()
        counts = [len(samples_of(episode, self._inner, self._sampler)) for episode in self._inner.episodes()]
        self.samples = sum(counts) * self._variants
        self._taken = spread(counts, self._wanted)

    def close(self) -> None:
        self._inner.close()

    def describe(self) -> dict[str, Any]:
        return self._inner.describe()

    def identity(self) -> dict[str, Any]:
        return self._inner.identity()

    def notes(self) -> dict[str, int]:
        return self._inner.notes()

    def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
        return self._inner.reader(max_pixels)

    def episodes(self) -> Iterator[Episode]:
        for episode, taken in zip(self._inner.episodes(), self._taken, strict=True):
            samples: list[Sample] = samples_of(episode, self._inner, self._sampler) if taken else []
            if samples:
                yield replace(episode, samples=tuple(samples[place] for place in taken))


class Recorder(Generator):
    """A generator whose requests and replies are kept."""

    name = "recorder"

    def __init__(self, inner: Generator) -> None:
        super().__init__()
        self._inner = inner
        # What the class of the recorded one promises, this one does.
        vars(self).update(languages=inner.languages, any_schema=inner.any_schema)
        self.exchanges: dict[str, list[tuple[Request, str]]] = {}

    @property
    def concurrency(self) -> int:
        return self._inner.concurrency

    @property
    def model(self) -> str | None:
        return self._inner.model

    @property
    def takes_clips(self) -> bool:
        return self._inner.takes_clips

    def describe(self) -> dict[str, Any]:
        return self._inner.describe()

    def identity(self) -> dict[str, Any]:
        return self._inner.identity()

    def provenance(self) -> dict[str, Any]:
        return self._inner.provenance()

    async def open(self) -> None:
        self._inner.pictures = self.pictures
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    async def generate(self, request: Request) -> Reply:
        kept = self.exchanges.setdefault(sample_key(request.sample), [])
        try:
            reply = await self._inner.generate(request)
        except Exception as error:
            kept.append((request, f"({error})"))
            raise
        kept.append((request, reply.text))
        return reply


class Kept(Sink):
    """Writes nothing, and keeps the annotations."""

    name = "kept"

    def write(self, results: Results, out: Path) -> None:
        self.annotations = [annotation for _, found in results.read() for annotation in found]
        self.manifest = results.manifest


def pictures(request: Request) -> list[Image]:
    """What a request shows, small: stills and sheets, and clips as sheets."""
    return [_small(image) for image in [*request.images, *(sheet(clip, SHOWN_PIXELS) for clip in request.clips)]]


def as_url(image: Image) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(image.jpeg).decode()}"


def _small(image: Image) -> Image:
    import PIL.Image

    with PIL.Image.open(BytesIO(image.jpeg)) as picture:
        return encode(picture, image.camera, SHOWN_PIXELS)


def _evenly(count: int, share: int, phase: float) -> list[int]:
    return sorted({int((turn + phase) * count / share) for turn in range(share)})


def _filled_up(taken: list[list[int]], counts: Sequence[int], wanted: int) -> list[list[int]]:
    """Short episodes may have given fewer than their share: others give more."""
    left = min(wanted, sum(counts)) - sum(map(len, taken))
    for place, position in _rest(taken, counts):
        if left <= 0:
            break
        taken[place] = sorted([*taken[place], position])
        left -= 1
    return taken


def _rest(taken: Sequence[Iterable[int]], counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    for position in range(max(counts, default=0)):
        for place, count in enumerate(counts):
            if position < count and position not in taken[place]:
                yield place, position
