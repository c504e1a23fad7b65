"""Annotate a few moments before the whole run: the run's own pipeline, with an output folder that is then removed.

The moments are spread over the episodes and over their length. Requests are recorded as the generator receives them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pgen import labels
from pgen.components import Generator, Results, Sink
from pgen.config import Parts, RunOptions
from pgen.errors import ConfigError
from pgen.formats.syn_annotations import to_line
from pgen.inference.conversation import moments
from pgen.records import Annotation, Reply, Request
from pgen.run.results import Planned
from pgen.run.run import Run
from pgen.seeds import sample_key
from pgen_results.lines import Line

type Exchange = tuple[Request, str]
"""A request and the text of its reply, or the error in parentheses."""


@dataclass(frozen=True, slots=True)
class Requested:
    """The annotations of the samples that one request asks for, and its exchanges in order, repairs included."""

    lines: list[Line]
    exchanges: list[Exchange]


@dataclass(frozen=True, slots=True)
class Preview:
    """The requests of a preview; `samples` and `episodes` are those of the whole run, as is `judge_share`."""

    requests: list[Requested]
    manifest: dict[str, Any]
    samples: int
    episodes: int
    judge_share: float

    @property
    def lines(self) -> list[Line]:
        """The annotations of all requests."""
        return [line for requested in self.requests for line in requested.lines]


def run_preview(config: Path | None, options: Sequence[str], flags: Mapping[str, Any]) -> Preview:
    """Annotate some `max_samples` samples with the options of `pgen annotate`. Raises PgenError as a run does."""
    from pgen.cli import ProgressBar
    from pgen.config import build, create, resolve

    with TemporaryDirectory(prefix="pgen-preview-") as folder:
        # A judge's default share, a tenth, of a few samples would mostly be none.
        given = resolve(config, flags, options)
        values = {"judge_share": 1.0, **given}
        wanted = values.pop("max_samples", None) or 1
        settings = build({**values, "executor": {}, "output_dir": Path(folder) / "preview", "max_failures": 1.0})
        parts = create(settings)
        for kind, generator in (("generator", parts.generator), ("judge", parts.judge)):
            if generator is not None and generator.defers:
                raise ConfigError(
                    f"preview --{kind} {generator.name}: its responses may come a day later, and a preview keeps "
                    f"nothing until then; take a {kind} that responds at once."
                )
        exchanges, sink = record(parts.generator), PreviewSink()
        run = PreviewRun(settings.run, replace(parts, sinks=(sink,)), wanted)
        with run, ProgressBar() as bar:
            run.execute(bar.start, bar.phase)
    share = settings.run.judge_share if "judge_share" in given else RunOptions.model_fields["judge_share"].default
    return sink.preview(exchanges, run.samples, run.episodes, share)


class PreviewRun(Run):
    """A run about some moments with about `wanted` samples: each with all its dialogues.

    `samples` and `episodes` are the numbers of the whole run.
    """

    def __init__(self, options: RunOptions, parts: Parts, wanted: int) -> None:
        super().__init__(options, parts)
        self._wanted = wanted
        self._positions: list[list[int]] | None = None
        self.samples = self.episodes = 0

    def _planned(self) -> Planned:
        if self._positions is None:
            self._positions = self._choose()
        for (episode, samples), positions in zip(super()._planned(), self._positions, strict=True):
            of_episode = moments(samples)
            if positions:
                yield episode, [sample for position in positions for sample in of_episode[position]]

    def _choose(self) -> list[list[int]]:
        """Return the positions of the moments to request, for each episode."""
        counts = []
        for _, samples in super()._planned():
            self.samples += len(samples)
            counts.append(len(moments(samples)))
        self.episodes = len(counts)
        return spread(counts, ceil(self._wanted * sum(counts) / max(1, self.samples)))


def record(generator: Generator) -> dict[str, list[Exchange]]:
    """Record the exchanges of this one generator, by the key of their first sample, in the mapping that is returned."""
    exchanges: dict[str, list[Exchange]] = {}
    generate = generator.generate

    async def recorded(request: Request) -> Reply:
        of_request = exchanges.setdefault(sample_key(request.sample), [])
        try:
            reply = await generate(request)
        except Exception as error:
            of_request.append((request, f"({error})"))
            raise
        of_request.append((request, reply.text))
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


class PreviewSink(Sink):
    """Keeps the annotations in memory and writes nothing."""

    name = "preview"

    def write(self, results: Results, out: Path) -> None:
        self._annotated = [(episode, list(annotations)) for episode, annotations in results.read()]
        self._results = results

    def preview(
        self, exchanges: Mapping[str, list[Exchange]], samples: int, episodes: int, judge_share: float
    ) -> Preview:
        """Return the annotations by their requests."""
        first = {
            sample_key(sample): key
            for key, of_request in exchanges.items()
            for request, _ in of_request
            for sample in request.samples
        }
        requests: dict[str, Requested] = {}
        for episode, annotations in self._annotated:
            in_force = {it.annotation.sample: it for it in labels.exchanges(episode, annotations)}
            for annotation in annotations:
                own = sample_key(annotation.sample)
                key = first.get(own, own)
                requested = requests.setdefault(key, Requested([], exchanges.get(key, [])))
                line = to_line(annotation, self._results.generator, in_force.get(annotation.sample))
                requested.lines.append(_with_counterfactual(line, annotation))
        return Preview(list(requests.values()), self._results.manifest, samples, episodes, judge_share)


def _with_counterfactual(line: Line, annotation: Annotation) -> Line:
    """Return the line; of a counterfactual, with its kind as the scope and the skill that it leads to, if any."""
    question = annotation.sample.question
    if not question.counterfactual:
        return line
    target = [question.target] if question.target else []
    return {**line, "scope": f"counterfactual {question.counterfactual}", "skills": target}
