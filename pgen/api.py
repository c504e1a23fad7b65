"""`pgen.annotate`: the main job as a function, with components by name or as objects."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from pgen.components import ROOT, Check, Executor, Generator, PromptBuilder, Sampler, Sink, Source
from pgen.config import RunKeywords, build, create
from pgen.records import Annotation
from pgen.registry import registry
from pgen.run.report import Report
from pgen.run.run import Run


def annotate(
    root: str | Path | Source,
    output_dir: str | Path,
    *,
    generator: str | Generator,
    sampler: str | Sampler | None = None,
    prompt: str | PromptBuilder | None = None,
    sink: str | Sink | None = None,
    checks: Sequence[str | Check] | None = None,
    judge: str | Generator | None = None,
    executor: str | Executor | None = None,
    progress: bool = False,
    **options: Unpack[RunKeywords],
) -> Report:
    """Write the dialogue for a dataset and return a report.

    `root` is a dataset's folder, an input file or a source; `output_dir` must not exist. A component passed by name
    has its default options; pass an object to set them. Components that are None are the defaults. `options` are
    those of the run.

    Raises PgenError with a message that names the remedy; `output_dir` then does not exist.
    """
    components: dict[str, Any] = {"sampler": sampler, "prompt": prompt, "generator": generator, "sink": sink}
    components |= {"judge": judge, "executor": executor}
    objects = {kind: value for kind, value in components.items() if value is not None and not isinstance(value, str)}
    tables = {kind: {"name": value if isinstance(value, str) else None} for kind, value in components.items()}
    tables |= {kind: {"name": getattr(value, "name", kind)} for kind, value in objects.items()}
    if isinstance(root, str | Path):
        tables["source"] = {ROOT: str(root)}
    else:
        objects["source"], tables["source"] = root, {"name": getattr(root, "name", "source")}
    if checks is not None:
        objects["check"] = [registry().find("check", it)() if isinstance(it, str) else it for it in checks]
    config = build({"output_dir": Path(output_dir), **options, **tables})
    with Run(config.run, create(config, objects)) as run:
        if not progress:
            return run.execute(lambda total, done: _silent)
        from pgen.cli import ProgressBar

        with ProgressBar() as bar:
            return run.execute(bar.start, bar.phase)


def _silent(annotation: Annotation) -> None:
    """Show no progress."""
