"""The library's face: `pgen.annotate`, with components by name or as objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pgen.components import Component, Generator, PromptBuilder, Sampler, Sink, Source
from pgen.components.check import Check
from pgen.components.executor import Executor
from pgen.config.assembly import create
from pgen.config.runfile import build
from pgen.records import Annotation
from pgen.registry import registry
from pgen.run.report import Report
from pgen.run.run import Run


def annotate(
    root: str | Path | Source,
    output_dir: str | Path,
    *,
    generator: str | Generator,
    sampler: str | Sampler = "segments",
    prompt: str | PromptBuilder = "hi-robot",
    sink: str | Sink | None = None,
    checks: Sequence[str | Check] | None = None,
    judge: str | Generator | None = None,
    executor: str | Executor = "local",
    progress: bool = False,
    **options: Any,
) -> Report:
    """Write the dialogue for a dataset and return what was done.

    `root` is a LeRobot dataset's folder, a D_labeled file (.jsonl) or a source; `output_dir` must not exist.
    A component that is given by name takes its defaults; build it to give it options. `checks` are the default ones
    where none are given. `options` are those of the run: `seed`, `max_samples`, `max_failures`, `attempts`,
    `max_pixels`, `language`, `turns`, `variants`, `on_check`, `judge_share`, `fresh`.

    Raises PgenError with a message that says what to do; `output_dir` is then absent.
    """
    chosen: dict[str, Any] = {
        "source": root,
        "generator": generator,
        "sampler": sampler,
        "prompt": prompt,
        "sink": sink,
    }
    chosen |= {"judge": judge, "executor": executor}
    objects = {kind: value for kind, value in chosen.items() if isinstance(value, Component)}
    tables = {kind: {"name": objects[kind].name if kind in objects else value} for kind, value in chosen.items()}
    tables["check"] = {"name": None}
    if "source" not in objects:
        tables["source"] = {"root": str(root)}
    config = build({"output_dir": Path(output_dir), **options, **tables})
    made = {} if checks is None else {"check": [_made(check) for check in checks]}
    with Run(config.run, create(config, {**objects, **made})) as run:
        if not progress:
            return run.execute(lambda total, done: _silent)
        from pgen.cli.progress import ProgressBar

        with ProgressBar() as bar:
            return run.execute(bar.start, bar.phase)


def _made(check: str | Check) -> Component:
    return check if isinstance(check, Check) else registry().find("check", check)()


def _silent(annotation: Annotation) -> None:
    """No progress is shown."""
