"""`pgen annotate --segment`: skills first, by the command `segment` of a plugin, then the dialogue.

The skills lie in a hidden folder beside OUT until OUT is there, so that a run that was stopped finds them, with the
options that they depend on. OUT has them for its own where its sink takes them.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgen.hookspecs import Step

if TYPE_CHECKING:
    from pgen.config.runfile import RunConfig

KIND = "segmenter"
SEGMENTING = "annotate --segment"
TAKEN = "segmented"
"""The option of a sink that gives its output the skills that were found."""
OPTIONS = "options.json"
"""The file beside the skills with what they depend on."""
_FLAGS = {"root": "--root", "repo_id": "--repo-id", "revision": "--revision", "episodes": "--episodes"}


@contextmanager
def with_skills(settings: "RunConfig", options: Sequence[str]) -> "Iterator[RunConfig]":
    """The run with the skills that were found for it; `options` are those of the segmenter.

    Raises ConfigError where OUT cannot be written, or skills are named; nothing is asked then.
    """
    from pgen.errors import ConfigError
    from pgen.storage.in_place import InPlace

    if "skills" in settings.source.options:
        raise ConfigError("--segment finds the skills, and --skills names some: leave one of them out.")
    out = settings.run.output_dir.expanduser().absolute()
    place = out.with_name(f".{out.name}.skills")
    found = place / "found"
    # A run that has yet to finish its switch does only that; its skills are in the new files.
    if not (settings.run.in_place and InPlace(out).switch.pending):
        _prepare(place, _checked(settings, options, found), fresh=settings.run.fresh)
        try:
            if not found.exists():
                _segment(["--output-dir", str(found), *_arguments(settings, options)])
        finally:
            if [path.name for path in place.iterdir()] == [OPTIONS]:  # nothing was kept
                shutil.rmtree(place)
    yield _with(settings, str(found / "skills.json"), found)
    shutil.rmtree(place)


def _checked(settings: "RunConfig", options: Sequence[str], found: Path) -> dict[str, Any]:
    """Check what else could stop the run, before skills are paid for; gives what the skills depend on."""
    from pgen.config.assembly import create
    from pgen.run.run import Run
    from pgen.safety.redaction import redacted

    with Run(settings.run, create(_with(settings, "task", found)), SEGMENTING) as run:
        made = {name: part for name, part in run.identity().items() if name in ("source", "generator")}
    chosen = {"seed": settings.run.seed, "episodes": settings.source.options.get("episodes")}
    whole: dict[str, Any] = json.loads(json.dumps(redacted({**made, **chosen, "segmenter": sorted(options)})))
    return whole


def _prepare(place: Path, options: dict[str, Any], *, fresh: bool) -> None:
    """The folder for skills with these options; raises ConfigError where it holds others, or is not pgen's."""
    from pgen.errors import ConfigError
    from pgen.storage.durable import make_folder, write_text
    from pgen.storage.validity import differences

    path = place / OPTIONS
    if place.exists() and not path.is_file() and any(place.iterdir()):
        raise ConfigError(f"{place} is not a folder that `pgen annotate --segment` made; move it away.")
    if fresh and place.exists():
        shutil.rmtree(place)
    if path.is_file():
        changed = differences(json.loads(path.read_text(encoding="utf-8")), options)
        if changed:
            raise ConfigError(
                f"{place} holds skills that were found with other options ({'; '.join(changed)}). Take the former "
                "options to go on with them, or start anew with --fresh."
            )
        return
    make_folder(place)
    write_text(path, [json.dumps(options)])


def _with(settings: "RunConfig", skills: str, found: Path) -> "RunConfig":
    """The run with these skills; a sink that takes those in the folder `found` for the output's own is told."""
    from pgen.config.assembly import create

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


STEP = Step("--segment", "Find the skills first, as `pgen segment` does.", "input", KIND, with_skills)
