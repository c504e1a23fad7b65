"""`pgen annotate --segment`: a segmentation before the dialogue.

The skills are in a hidden folder beside OUT until OUT exists, with the options that they depend on, so that a stopped
run finds them again. OUT gets them as its own skills where its sink has the option for that.
"""

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgen.hookspecs import Preview, Step

if TYPE_CHECKING:
    from pgen.config import RunConfig
    from pgen_segment.job import Job

_KIND = "segmenter"
COMMAND = "annotate --segment"
SKILLS_OF_OUTPUT = "segmented"
"""The option of a sink for the folder with skills that become the output's own."""
_OPTIONS = "options.json"
"""The file beside the skills with what they depend on."""
SOURCE_OPTIONS = ("root", "repo_id", "revision", "episodes", "cameras")


@contextmanager
def with_skills(config: "RunConfig", assignments: Sequence[str]) -> "Iterator[RunConfig]":
    """Segment the dataset, and yield the configuration that uses the skills; `assignments` are the segmenter's.

    Raises ConfigError, before any request, where OUT cannot be written or skills are named.
    """
    _check_skills(config)
    with beside_output(
        config, "skills", lambda it: _dependencies(config, assignments, it), lambda it: _job(config, assignments, it)
    ) as folder:
        yield _using(config, str(folder / "skills.json"), folder)


def place_of(config: "RunConfig", name: str) -> Path:
    """Return the hidden folder beside OUT for what a step finds."""
    out = config.run.output_dir.expanduser().absolute()
    return out.with_name(f".{out.name}.{name}")


def is_pending(config: "RunConfig") -> bool:
    """Return whether the run has yet to replace its files: it does only that."""
    from pgen.storage.in_place import InPlace

    return config.run.in_place and InPlace(config.run.output_dir.expanduser().absolute()).switch.pending


@contextmanager
def beside_output(
    config: "RunConfig", name: str, dependencies: Callable[[Path], dict[str, Any]], job: Callable[[Path], "Job"]
) -> Iterator[Path]:
    """Yield a folder with the output of a job, which runs unless an interrupted run has done it.

    The folder is removed once OUT is complete.
    """
    from pgen_segment.command import run_job

    place = place_of(config, name)
    folder = place / "found"
    if not is_pending(config):  # otherwise what was found is among the new files
        _prepare(place, dependencies(folder), fresh=config.run.fresh)
        try:
            if not folder.exists():
                run_job(job(folder))
        finally:
            if [path.name for path in place.iterdir()] == [_OPTIONS]:  # there is nothing to resume
                shutil.rmtree(place)
    yield folder
    shutil.rmtree(place)


def _check_skills(config: "RunConfig") -> None:
    from pgen.errors import ConfigError

    if "skills" in config.source.options:
        raise ConfigError("--segment creates the skills, and --skills names existing ones: leave one of them out.")


def _dependencies(config: "RunConfig", assignments: Sequence[str], folder: Path) -> dict[str, Any]:
    """Return what the skills depend on, after checking what else could stop the run."""
    return checked(_using(config, "task", folder), COMMAND, **{_KIND: sorted(assignments)})


def checked(config: "RunConfig", command: str, **others: Any) -> dict[str, Any]:
    """Return what replies about a dataset depend on, and `others`, after checking what could stop the run."""
    from pgen.config import create
    from pgen.run.run import Run
    from pgen.safety.redaction import redacted

    with Run(config.run, create(config), command) as run:
        components = {name: part for name, part in run.identity().items() if name in ("source", "generator")}
    chosen = {"seed": config.run.seed, "episodes": config.source.options.get("episodes")}
    options: dict[str, Any] = redacted({**components, **chosen, **others})
    return options


def _prepare(place: Path, options: dict[str, Any], *, fresh: bool) -> None:
    """Create the folder for skills with these options. Raises ConfigError where it has others, or is not pgen's."""
    from pgen.errors import ConfigError
    from pgen.storage.durable import make_folder, write_text
    from pgen.storage.validity import differences

    path, content = place / _OPTIONS, json.dumps(options)
    if place.exists() and not path.is_file() and any(place.iterdir()):
        raise ConfigError(f"{place} is not a folder that `pgen annotate` made; move it away.")
    if fresh and place.exists():
        shutil.rmtree(place)
    if not path.is_file():
        make_folder(place)
        write_text(path, [content])
    elif changed := differences(json.loads(path.read_text(encoding="utf-8")), json.loads(content)):
        raise ConfigError(
            f"{place} holds results of other options ({'; '.join(changed)}). Use the previous "
            "options to resume it, or start anew with --fresh."
        )


def _using(config: "RunConfig", skills: str, folder: Path) -> "RunConfig":
    """Return the configuration that reads these skills, and copies those in the folder to the output."""
    from pgen.config import create

    source = config.source.model_copy(update={"options": {**config.source.options, "skills": skills}})
    using = config.model_copy(update={"source": source})
    if any(SKILLS_OF_OUTPUT in type(sink.options).model_fields for sink in create(using).sinks):
        return using.model_copy(update={"sink_options": {**using.sink_options, SKILLS_OF_OUTPUT: folder}})
    return using


def _job(config: "RunConfig", assignments: Sequence[str], folder: Path) -> "Job":
    """Return the segmentation for the run's source, generator and executor."""
    from pgen.config import Choice
    from pgen_segment.config import create_job, default_segmenter, parse_assignments

    run, source, name = config.run, config.source.options, default_segmenter(config.generator.name)
    shared = {"seed": run.seed, "max_failures": run.max_failures, "fresh": run.fresh}
    return create_job(
        {"output_dir": folder, "skills_only": True, **shared},
        {option: source[option] for option in SOURCE_OPTIONS if source.get(option) is not None},
        Choice(name=name, options=parse_assignments(name, assignments)[_KIND]),
        config.generator,
        config.executor,
        COMMAND + (" --in-place" if run.in_place else ""),
    )


@contextmanager
def previewed(config: "RunConfig", assignments: Sequence[str]) -> Iterator[Preview]:
    """Check and plan the segmentation, and yield the configuration with spans like those that it will find."""
    from collections import Counter
    from tempfile import TemporaryDirectory

    _check_skills(config)
    with TemporaryDirectory() as place:
        folder = Path(place) / "found"
        _dependencies(config, assignments, folder)
        counts: Counter[str] = Counter()
        with _job(config, assignments, folder) as job:
            lines = list(job.plan(counts))
            job.write_expected(Path(place) / "skills.json")
        using = _using(config, str(Path(place) / "skills.json"), folder)
        yield Preview(using, lines, counts["tokens_in"], counts["tokens_out"])


STEP = Step("--segment", "Segment the dataset first, as `pgen segment` does.", "input", _KIND, with_skills, previewed)
