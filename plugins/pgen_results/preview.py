"""Annotate a few samples before the whole run: the run's own pipeline, with an output folder that is then removed.

The samples are spread over the episodes and over their length. Requests are recorded as the generator receives them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pgen.components import Generator, Results, Sampler, Sink, Source
from pgen.formats.syn_annotations import to_line
from pgen.records import Annotation, Episode, Reply, Request, Sample
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


def run_preview(config: Path | None, options: Sequence[str], flags: Mapping[str, Any]) -> Preview:
    """Annotate `max_samples` samples with the options of `pgen annotate`. Raises PgenError as a run does."""
    from pgen.cli import ProgressBar
    from pgen.config import build, create, resolve
    from pgen.run.run import Run

    with TemporaryDirectory(prefix="pgen-preview-") as folder:
        # A judge's default share, a tenth, of a few samples would mostly be none.
        values = {"judge_share": 1.0, **resolve(config, flags, options)}
        settings = build({**values, "executor": {}, "output_dir": Path(folder) / "preview", "max_failures": 1.0})
        parts = create(settings)
        variants = settings.run.variants or parts.prompts.variants
        subset = Subset(parts.source, parts.sampler, settings.run.max_samples or 1, variants)
        exchanges, sink = record(parts.generator), PreviewSink()
        parts = replace(parts, sinks=(sink,))
        with Run(settings.run, parts) as run, ProgressBar() as bar:
            run.execute(bar.start)
    return sink.preview(exchanges, subset.samples)


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

    Each episode gives the same number, evenly over its length, or all it has. With more episodes than `wanted`,
    every n-th gives one, each at another point of its length.
    """
    filled = [episode for episode, count in enumerate(counts) if count]
    used = min(wanted, len(filled))
    chosen = [filled[(2 * turn + 1) * len(filled) // (2 * used)] for turn in range(used)]
    shares, missing = [0] * len(counts), min(wanted, sum(counts))
    while missing:
        for episode in chosen:
            taken = int(missing > 0 and shares[episode] < counts[episode])
            shares[episode], missing = shares[episode] + taken, missing - taken
    positions: list[list[int]] = [[] for _ in counts]
    for turn, episode in enumerate(chosen):
        step, phase = counts[episode] / shares[episode], (turn + 0.5) / used
        positions[episode] = [int((i + phase) * step) for i in range(shares[episode])]
    return positions


class Subset:
    """Limits the moments of a source to enough for `wanted` samples, `variants` of each moment.

    `samples` is the number of samples of the whole source, known once its episodes have been read.
    """

    def __init__(self, source: Source, sampler: Sampler, wanted: int, variants: int) -> None:
        self._source, self._sampler, self._variants = source, sampler, variants
        self._moments = ceil(wanted / variants)
        self._episodes = source.episodes
        self._positions: list[list[int]] | None = None
        self.samples = 0
        vars(source)["episodes"] = self.episodes  # on the object, as in `record`

    def episodes(self) -> Iterator[Episode]:
        if self._positions is None:
            counts = [len(self._samples_of(episode)) for episode in self._episodes()]
            self.samples = sum(counts) * self._variants
            self._positions = spread(counts, self._moments)
        for episode, positions in zip(self._episodes(), self._positions, strict=True):
            if positions:
                samples = self._samples_of(episode)
                yield replace(episode, samples=tuple(samples[position] for position in positions))

    def _samples_of(self, episode: Episode) -> list[Sample]:
        return samples_of(episode, self._source, self._sampler)


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
