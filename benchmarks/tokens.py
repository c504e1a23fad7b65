"""The tokens of prompts that a server computes for each dialogue, with a simulated prefix cache of 16-token blocks.

The requests of a run are built as it would send them, in their order; images count by the patch rule of the model,
text by words. Compared are the default run, the former form (version 2 of the prompt, one request each second for one
dialogue), one wording of each dialogue (`--variants 1`), and conversations (`--turns episode`). "step" runs request
the steps alone, so that one dialogue per moment compares with three.
Usage: tokens.py [DATASET …]; by default the datasets with skills in PGEN_DATASETS, or else the demo.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common.former_prompt import FormerPrompt
from pgen.components import Patches, PromptBuilder, Source
from pgen.config import RunOptions
from pgen.inference.token_estimate import PrefixCache, request_tokens
from pgen.records import Prompt
from pgen.run.estimate import Images, asked
from pgen.run.planning import Planner
from pgen.testing import FakeGenerator
from pgen_demo.example import write_example
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_lerobot.read import LeRobotSource
from pgen_samplers.samplers import Segments

MODELS = {"Qwen2-VL": Patches(28, 4), "Qwen3-VL": Patches(32, 64)}
JOINTS = request_tokens(Prompt("", {}), ())
"""The tokens around the text of the user's turn."""
PARTS = ("system", "context", "images", "rest")


class Model(FakeGenerator):
    """Takes requests for all dialogues of a moment, as the Qwen generators do."""

    several = True


@dataclass(frozen=True, slots=True)
class Form:
    """A form of run: its prompt, its sampler's interval and its options."""

    prompts: PromptBuilder
    interval: float | None = None
    options: dict[str, Any] | None = None

    def run(self) -> RunOptions:
        return RunOptions(output_dir=Path("out"), **(self.options or {}))


STEPS = {"scopes": {"step": 1}}
FORMS = {
    "default": Form(HiRobotPrompt()),
    "former, each second": Form(FormerPrompt(), 1.0, {"variants": 1}),
    "--variants 1": Form(HiRobotPrompt(), None, {"variants": 1}),
    "step, three": Form(HiRobotPrompt(), None, {"variants": 3, **STEPS}),
    "step, one": Form(HiRobotPrompt(), None, {"variants": 1, **STEPS}),
    "--turns episode": Form(HiRobotPrompt(), None, {"turns": "episode"}),
    "--turns episode, one": Form(HiRobotPrompt(), None, {"turns": "episode", "variants": 1}),
}


@dataclass(slots=True)
class Counts:
    """Requests, dialogues, tokens, and those that a server computes, in all and by the part of the prompt."""

    requests: int = 0
    dialogues: int = 0
    tokens: int = 0
    parts: tuple[int, ...] = (0, 0, 0, 0)

    @property
    def computed(self) -> int:
        return sum(self.parts)

    @property
    def per_dialogue(self) -> float:
        return self.computed / max(self.dialogues, 1)

    @property
    def per_request(self) -> float:
        return self.computed / max(self.requests, 1)


def count(form: Form, sources: Sequence[Source], patches: Patches) -> Counts:
    """Return the counts of a run over each source, each with a cache of its own."""
    counts = Counts()
    for source in sources:
        _add(counts, form, source, patches)
    return counts


def _add(counts: Counts, form: Form, source: Source, patches: Patches) -> None:
    options, sampler, cache = form.run(), Segments(interval=form.interval), PrefixCache()
    planner = Planner(source, sampler, form.prompts, options.seed, options.variants, options.scopes)
    images = Images(patches, dict(source.image_sizes()), options.max_pixels, 1, clips=False)
    for samples, prompt in asked(form.prompts, Model(), options, planner.planned(source.episodes())):
        shown = images.of(samples[0])
        tokens = request_tokens(prompt, shown)
        head, system = (len(request_tokens(it, ())) for it in (replace(prompt, text=""), Prompt("", {}, prompt.system)))
        lengths = (system - len(JOINTS), head - system, sum(n for _, n in shown))
        cached = cache.cached(tokens)
        counts.requests += 1
        counts.dialogues += len(samples)
        counts.tokens += len(tokens)
        counts.parts = tuple(a + b for a, b in zip(counts.parts, _left(lengths, len(tokens), cached), strict=True))


def _left(lengths: Sequence[int], total: int, cached: int) -> Iterator[int]:
    """Yield how much of each part is not in the cache, which holds the beginning."""
    for length in (*lengths, total - sum(lengths)):
        yield max(0, length - cached)
        cached = max(0, cached - length)


def sources(paths: Sequence[Path]) -> list[Source]:
    """Return the datasets as sources, opened."""
    opened: list[Source] = [LeRobotSource(root=path) for path in paths]
    for source in opened:
        source.open()
    return opened


def with_skills(folder: Path) -> list[Path]:
    """Return the datasets of a folder that have skills."""
    return [path.parents[1] for path in sorted(folder.glob("*/meta/skills.json"))]


def table(opened: Sequence[Source]) -> Iterator[str]:
    """Yield a table for each model, and the ratios."""
    for model, patches in MODELS.items():
        yield f"{model:<22}{'requests':>10}{'dialogues':>11}{'tokens':>11}{'computed':>11}{'a dialogue':>12}   of these"
        results = {name: count(form, opened, patches) for name, form in FORMS.items()}
        for name, it in results.items():
            shares = ", ".join(f"{part} {n / max(it.computed, 1):.0%}" for part, n in zip(PARTS, it.parts, strict=True))
            yield (
                f"{name:<22}{it.requests:>10,}{it.dialogues:>11,}{it.tokens:>11,}{it.computed:>11,}"
                f"{it.per_dialogue:>12.0f}   {shares}"
            )
        yield from ratios(results)


def ratios(results: dict[str, Counts]) -> Iterator[str]:
    """Yield the ratios that the tests bound."""
    default, former = results["default"].per_dialogue, results["former, each second"].per_dialogue
    turns = results["--turns episode"].per_dialogue
    three, one = results["step, three"].per_request, results["step, one"].per_request
    every, single = results["default"].per_request, results["--variants 1"].per_request
    yield f"a dialogue of the default run to a former one: {default / former:.2f}"
    yield f"a dialogue of a conversation to a former one: {turns / former:.2f}"
    yield f"a moment with three wordings of its step to a moment with one: {three / one:.2f}"
    yield f"a moment of the default run to one with --variants 1: {every / single:.2f}"


def lines(tiny: bool = False, paths: Sequence[Path] = ()) -> Iterator[str]:
    """Yield the tables of the datasets at `paths`, by default of those with skills in PGEN_DATASETS or of the demo."""
    folder = os.environ.get("PGEN_DATASETS", "")
    listed = list(paths) or (with_skills(Path(folder)) if folder and not tiny else [])
    with TemporaryDirectory() as place:
        if not listed:
            listed = [Path(place, "demo")]
            write_example(listed[0])
        yield from table(sources(listed))


def main() -> None:
    for line in lines(paths=[*map(Path, sys.argv[1:])]):
        print(line, flush=True)


if __name__ == "__main__":
    main()
