"""Build the job of `pgen segment` from its flags and options, checked as a whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pgen.components import Executor, Generator, Segmenter, explain
from pgen.config import Choice, assign, fitting
from pgen.errors import ConfigError
from pgen.registry import registry
from pgen_lerobot.read import LeRobotSource
from pgen_segment.job import Job, SegmentOptions

MODEL_FREE = "template"
"""The generator without a model; here it means the segmenter without one."""
WITHOUT, WITH = "gripper", "hybrid"
_SOURCE = {"root": "root", "repo_id": "repo_id", "revision": "revision", "episodes": "episodes", "camera": "cameras"}
_SEGMENTER = ("gripper", "vocabulary", "frames_per_second", "relabel", "snap", "prompt", "names", "level")


def job_from_flags(
    segmenter: str | None, generator: str | None, executor: str, assignments: Sequence[str], flags: Mapping[str, Any]
) -> Job:
    """Build the job of the command line. Raises ConfigError with the option and the reason."""
    name = segmenter or default_segmenter(generator)
    options = parse_assignments(name, assignments)
    options[Segmenter.kind] |= {flag: flags[flag] for flag in _SEGMENTER if flag in flags}
    of_generator = [flag for flag, declared in registry().flags.items() if declared.target[0] == Generator.kind]
    options[Generator.kind] |= {flag: flags[flag] for flag in of_generator if flag in flags}
    if generator is None and options[Generator.kind]:
        option = next(iter(options[Generator.kind]))
        raise ConfigError(f"option {option} is a generator's: name one with --generator NAME.")
    return create_job(
        {name: value for name, value in flags.items() if name in SegmentOptions.model_fields},
        {_SOURCE[flag]: value for flag, value in flags.items() if flag in _SOURCE},
        Choice(name=name, options=options[Segmenter.kind]),
        Choice(name=generator, options=options[Generator.kind]) if generator else None,
        Choice(name=executor, options=options[Executor.kind]),
    )


def create_job(
    run: Mapping[str, Any],
    source: Mapping[str, Any],
    segmenter: Choice,
    generator: Choice | None,
    executor: Choice,
    command: str = "",
) -> Job:
    """Build a job from options by name. Raises ConfigError with the option and the reason."""
    without_model = generator is None or generator.name == MODEL_FREE
    cls: Any = registry().find(Segmenter.kind, segmenter.name)
    if generator and without_model and cls.asks:
        raise ConfigError("generator template is not a model; leave --segmenter out, or use gripper.")
    splitter: Segmenter[Any] = cls(**segmenter.options)
    try:
        options = SegmentOptions(**run)
    except ValidationError as error:
        raise ConfigError(f"the run: {'; '.join(explain(SegmentOptions, error))}. See `pgen segment --help`.") from None
    return Job(
        options,
        # A segmenter that reads no camera accepts a dataset whose videos are missing, too.
        LeRobotSource(**{"views": splitter.views, "skills": "auto" if cls.reads_skills else "task", **source}),
        splitter,
        None if generator is None or without_model else _create(Generator.kind, generator),
        _create(Executor.kind, executor),
        command,
    )


def default_segmenter(generator: str | None) -> str:
    """Return the segmenter for a generator, where none is named."""
    return WITHOUT if generator in (None, MODEL_FREE) else WITH


def parse_assignments(segmenter: str, assignments: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Parse `segmenter.steady=0.5` and the like, by kind. A list option takes one item a time, or a JSON list."""
    fields = registry().find(Segmenter.kind, segmenter).Options.model_fields
    options: dict[str, dict[str, Any]] = {Segmenter.kind: {}, Generator.kind: {}, Executor.kind: {}}
    items: dict[str, tuple[Any, ...]] = {name: () for name, field in fields.items() if field.default == ()}
    for text in assignments:
        assign(options, text, tuple(options))
        for name in items.keys() & options[Segmenter.kind].keys():
            value = options[Segmenter.kind].pop(name)
            items[name] += tuple(value) if isinstance(value, list) else (value,)
    options[Segmenter.kind] |= {name: values for name, values in items.items() if values}
    return options


def _create(kind: str, choice: Choice) -> Any:
    cls: Any = registry().find(kind, choice.name)
    return cls(**fitting(cls, choice.options))
