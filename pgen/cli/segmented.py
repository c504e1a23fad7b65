"""`pgen annotate --segment`: skills first, by the command `segment` of a plugin, then the dialogue.

The skills lie in a hidden folder beside OUT until OUT is there, so that a run that was stopped finds them. OUT
has them for its own where its sink takes them.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgen.config import RunConfig

SEGMENTER = "segmenter."
TAKEN = "segmented"
"""The option of a sink that gives its output the skills that were found."""
_FLAGS = {"root": "--root", "repo_id": "--repo-id", "revision": "--revision", "episodes": "--episodes"}


@contextmanager
def with_skills(settings: "RunConfig", options: Sequence[str]) -> "Iterator[RunConfig]":
    """The run with the skills that were found for it; `options` are those of the segmenter.

    Raises ConfigError where OUT cannot be written, or skills are named; nothing is asked then.
    """
    from pgen.errors import ConfigError
    from pgen.parts import create
    from pgen.run import Run

    if "skills" in settings.source.options:
        raise ConfigError("--segment finds the skills, and --skills names some: leave one of them out.")
    out = settings.run.output_dir.expanduser().absolute()
    place = out.with_name(f".{out.name}.skills")
    if settings.run.fresh:
        shutil.rmtree(place, ignore_errors=True)
    if not place.exists():
        with Run(settings.run, create(_with(settings, "task", place))):
            pass  # what else could stop the run is found before skills are paid for
        _segment(["--output-dir", str(place), *_arguments(settings, options)])
    yield _with(settings, str(place / "skills.json"), place)
    shutil.rmtree(place)


def _with(settings: "RunConfig", skills: str, found: Path) -> "RunConfig":
    """The run with these skills; a sink that takes those in the folder `found` for the output's own is told."""
    from pgen.parts import create

    source = settings.source.model_copy(update={"options": {**settings.source.options, "skills": skills}})
    told = settings.model_copy(update={"source": source})
    if any(TAKEN in type(sink.options).model_fields for sink in create(told).sinks):
        return told.model_copy(update={"sink_options": {**told.sink_options, TAKEN: found}})
    return told


def _segment(arguments: list[str]) -> None:
    from pgen.errors import PluginError
    from pgen.registry import registry

    for command in registry().commands():
        if command.name == "segment":
            command.main(arguments, standalone_mode=False)
            return
    raise PluginError("--segment needs the plugin that provides `pgen segment`, which is not installed.")


def _arguments(settings: "RunConfig", options: Sequence[str]) -> Iterator[str]:
    """What the two commands have in common, and the segmenter's own options."""
    source, run = settings.source.options, settings.run
    yield from ("--skills-only", "--seed", str(run.seed), "--max-failures", str(run.max_failures))
    yield from ("--generator", settings.generator.name, "--executor", settings.executor.name)
    for name, flag in _FLAGS.items():
        if source.get(name) is not None:
            yield from (flag, str(source[name]))
    for camera in source.get("cameras", ()):
        yield from ("--camera", camera)
    for kind, choice in (("generator", settings.generator), ("executor", settings.executor)):
        for option, value in choice.options.items():
            yield from ("--opt", f"{kind}.{option}={_text(value)}")
    for option in options:
        yield from ("--opt", option)
    if run.fresh:
        yield "--fresh"


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | Path) else json.dumps(value)
