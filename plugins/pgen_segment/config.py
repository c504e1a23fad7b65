"""Build the job of `pgen segment` from its flags and options, checked as a whole."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pgen.components import Executor, Generator, Segmenter, explain
from pgen.config import Choice, fitting
from pgen.errors import ConfigError
from pgen.registry import registry
from pgen_lerobot.read import LeRobotSource
from pgen_segment.job import Job, SegmentOptions

MODEL_FREE = "template"
"""The generator without a model; here it means the segmenter without one."""
WITHOUT, WITH = "gripper", "vlm"
_SOURCE = {"root": "root", "repo_id": "repo_id", "revision": "revision", "episodes": "episodes", "camera": "cameras"}
_SEGMENTER = ("gripper", "vocabulary", "frames_per_second", "relabel", "snap", "prompt", "names")


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
    if generator and without_model and segmenter.name == WITH:
        raise ConfigError("generator template sees nothing; it answers by --segmenter gripper.")
    splitter: Segmenter[Any] = _class(Segmenter.kind, segmenter.name)(**segmenter.options)
    try:
        options = SegmentOptions(**run)
    except ValidationError as error:
        raise ConfigError(f"the run: {'; '.join(explain(SegmentOptions, error))}. See `pgen segment --help`.") from None
    return Job(
        options,
        # A segmenter that reads no camera accepts a dataset whose videos are missing, too.
        LeRobotSource(**source, views=splitter.views, skills="task"),
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
    fields = _class(Segmenter.kind, segmenter).Options.model_fields
    lists = {name for name, field in fields.items() if field.default == ()}
    options: dict[str, dict[str, Any]] = {Segmenter.kind: {}, Generator.kind: {}, Executor.kind: {}}
    for text in assignments:
        key, sign, value = text.partition("=")
        kind, _, option = key.strip().partition(".")
        if not sign or kind not in options or not option:
            kinds = ", ".join(options)
            raise ConfigError(f"--opt {text!r}: write it as COMPONENT.OPTION=VALUE, with {kinds} as the component.")
        option = option.replace("-", "_")
        parsed = _parse(key, value)
        if kind == Segmenter.kind and option in lists:
            parsed = (*options[kind].get(option, ()), *(parsed if isinstance(parsed, list) else (parsed,)))
        options[kind][option] = parsed
    return options


def _create(kind: str, choice: Choice) -> Any:
    cls = _class(kind, choice.name)
    return cls(**fitting(cls, choice.options))


def _class(kind: str, name: str) -> Any:
    return registry().find(kind, name)


def _parse(key: str, value: str) -> Any:
    if not value.startswith(('["', "{")):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigError(f"--opt {key}: the value is not JSON: {error}.") from None
