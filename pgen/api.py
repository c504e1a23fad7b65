"""The library's face: `pgen.annotate`, with components by name or as objects."""

from pathlib import Path
from typing import Any

from pgen.components import Component, Generator, PromptBuilder, Sampler, Sink, Source
from pgen.config import build
from pgen.parts import create
from pgen.records import Annotation
from pgen.run import Report, Run


def annotate(
    root: str | Path | Source,
    output_dir: str | Path,
    *,
    generator: str | Generator,
    sampler: str | Sampler = "segments",
    prompt: str | PromptBuilder = "hi-robot",
    sink: str | Sink | None = None,
    progress: bool = False,
    **options: Any,
) -> Report:
    """Write the dialogue for a dataset and return what was done.

    `root` is a LeRobot dataset's folder, a D_labeled file (.jsonl) or a source; `output_dir` must not exist.
    A component that is given by name takes its defaults; build it to give it options. `options` are those of
    the run: `seed`, `max_samples`, `max_failures`, `attempts`, `max_pixels`, `fresh`.

    Raises PgenError with a message that says what to do; `output_dir` is then absent.
    """
    chosen = {"source": root, "generator": generator, "sampler": sampler, "prompt": prompt, "sink": sink}
    objects = {kind: value for kind, value in chosen.items() if isinstance(value, Component)}
    tables = {kind: {"name": objects[kind].name if kind in objects else value} for kind, value in chosen.items()}
    if "source" not in objects:
        tables["source"] = {"root": str(root)}
    config = build({"output_dir": Path(output_dir), **options, **tables})
    with Run(config.run, create(config, objects)) as run:
        if not progress:
            return run.execute(lambda total, done: _silent)
        from pgen.cli.progress import ProgressBar

        with ProgressBar() as bar:
            return run.execute(bar.start)


def _silent(annotation: Annotation) -> None:
    """No progress is shown."""
