"""Ask about a few samples before the whole run: the run's own pipeline, with an output folder that is then removed.

The samples are spread over the episodes and over their length. Requests are recorded as the generator receives them.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pgen.components import Generator, ImageReader, Results, Sampler, Sink, Source
from pgen.formats.syn_annotations import to_line
from pgen.records import Annotation, Episode, Reply, Request
from pgen.run.planning import samples_of
from pgen.seeds import sample_key
from pgen_results.read import Line

type Exchange = tuple[Request, str]
"""A request and the text of its reply, or the error in parentheses."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The annotations of a preview, each with its exchanges in order; `samples` are those of the whole run."""

    annotations: list[tuple[Line, list[Exchange]]]
    manifest: dict[str, Any]
    samples: int


def ask(config: Path | None, options: Sequence[str], flags: Mapping[str, Any]) -> Preview:
    """Ask about `max_samples` samples with the options of `pgen annotate`. Raises PgenError as a run does."""
    from pgen.cli import ProgressBar
    from pgen.config.assembly import create
    from pgen.config.runfile import build, resolve
    from pgen.run.run import Run

    with TemporaryDirectory(prefix="pgen-preview-") as folder:
        # A judge's default share, a tenth, of a few samples would mostly be none.
        values = {"judge_share": 1.0, **resolve(config, flags, options)}
        settings = build({**values, "executor": {}, "output_dir": Path(folder) / "preview", "max_failures": 1.0})
        parts = create(settings)
        source = SubsetSource(parts.source, parts.sampler, settings.run.max_samples or 1, settings.run.variants)
        exchanges, sink = record(parts.generator), PreviewSink()
        parts = replace(parts, source=source, sinks=(sink,))
        with Run(settings.run, parts) as run, ProgressBar() as bar:
            run.execute(bar.start)
    return sink.preview(exchanges, source.samples)


def record(generator: Generator) -> dict[str, list[Exchange]]:
    """Record the exchanges of this one generator, by the key of their sample, in the mapping that is returned."""
    exchanges: dict[str, list[Exchange]] = {}
    generate = generator.generate

    async def recorded(request: Request) -> Reply:
        of_sample = exchanges.setdefault(sample_key(request.sample), [])
        try:
            reply = await generate(request)
        except Exception as error:
            of_sample.append((request, f"({error})"))
            raise
        of_sample.append((request, reply.text))
        return reply

    # Set on the object, so that it stays a generator of its class in everything else.
    vars(generator)["generate"] = recorded
    return exchanges


def spread(counts: Sequence[int], wanted: int) -> list[list[int]]:
    """Return the positions of the samples to take from each episode, `wanted` in all where there are as many.

    Each episode gives the same number, evenly over its length. With more episodes than `wanted`, every n-th gives
    one, each at another point of its length.
    """
    taken: list[set[int]] = [set() for _ in counts]
    filled = [episode for episode, count in enumerate(counts) if count]
    chosen = min(wanted, len(filled))
    for turn in range(chosen):
        episode = filled[(2 * turn + 1) * len(filled) // (2 * chosen)]
        share = wanted // chosen + (turn < wanted % chosen)
        taken[episode] = {int((i + (turn + 0.5) / chosen) * counts[episode] / share) for i in range(share)}
    _fill_up(taken, counts, wanted)
    return [sorted(positions) for positions in taken]


def _fill_up(taken: list[set[int]], counts: Sequence[int], wanted: int) -> None:
    """Take the samples that short episodes lack from other episodes, the earliest positions first."""
    free = (
        (episode, position)
        for position in range(max(counts, default=0))
        for episode, count in enumerate(counts)
        if position < count and position not in taken[episode]
    )
    missing = min(wanted, sum(counts)) - sum(map(len, taken))
    for _, (episode, position) in zip(range(missing), free, strict=False):
        taken[episode].add(position)


class SubsetSource(Source):
    """A source with only some moments of another: enough for `wanted` samples, `variants` of each moment."""

    name = "subset"

    def __init__(self, inner: Source, sampler: Sampler, wanted: int, variants: int = 1) -> None:
        super().__init__()
        self._inner, self._sampler, self._variants = inner, sampler, variants
        self._wanted = ceil(wanted / variants)
        self.samples = 0
        """Of the whole source; known once it is open."""

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
        for episode, positions in zip(self._inner.episodes(), self._taken, strict=True):
            if positions:
                samples = samples_of(episode, self._inner, self._sampler)
                yield replace(episode, samples=tuple(samples[position] for position in positions))


class PreviewSink(Sink):
    """Keeps the annotations in memory and writes nothing."""

    name = "preview"

    def write(self, results: Results, out: Path) -> None:
        self._annotations: list[Annotation] = [each for _, annotations in results.read() for each in annotations]
        self._results = results

    def preview(self, exchanges: Mapping[str, list[Exchange]], samples: int) -> Preview:
        """Return the annotations with their exchanges."""
        annotations = [
            (to_line(annotation, self._results.generator), exchanges.get(sample_key(annotation.sample), []))
            for annotation in self._annotations
        ]
        return Preview(annotations, self._results.manifest, samples)
