"""The configuration of `pgen segment`: its flags and options, checked as a whole."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pgen.components import Generator
from pgen.components.executor import Executor
from pgen.components.options import explain
from pgen.components.segmenter import Segmenter
from pgen.config.assembly import fitting
from pgen.errors import ConfigError
from pgen.registry import registry
from pgen_lerobot.read import LeRobotSource
from pgen_segment.job import Job, SegmentOptions

MODEL_FREE = "template"
"""The generator without a model: what it stands for here is the segmenter without one."""
WITHOUT, WITH = "gripper", "vlm"
_SOURCE = {"root": "root", "repo_id": "repo_id", "revision": "revision", "episodes": "episodes", "camera": "cameras"}
_SEGMENTER = ("gripper", "vocabulary", "frames_per_second", "relabel", "snap", "prompt", "names")


def job(
    segmenter: str | None, generator: str | None, executor: str, assignments: Sequence[str], flags: Mapping[str, Any]
) -> Job:
    """The job that the command line asks for. Raises ConfigError with the option and the reason.

    Where no segmenter is named, a generator means `vlm`; none, or `template`, means `gripper`.
    """
    segmenter = segmenter or (WITHOUT if generator in (None, MODEL_FREE) else WITH)
    if generator == MODEL_FREE and segmenter == WITH:
        raise ConfigError("generator template sees nothing; it answers by --segmenter gripper.")
    cls: Any = registry().find(Segmenter.kind, segmenter)
    asked = _assigned(assignments, {Segmenter.kind: cls, Generator.kind: None, Executor.kind: None})
    asked[Segmenter.kind] |= _of(flags, _SEGMENTER)
    asked[Generator.kind] |= _of(
        flags, [name for name, flag in registry().flags.items() if flag.target[0] == Generator.kind]
    )
    splitter = cls(**asked[Segmenter.kind])
    run = {name: value for name, value in flags.items() if name in SegmentOptions.model_fields}
    try:
        options = SegmentOptions(**run)
    except ValidationError as error:
        raise ConfigError(f"the run: {'; '.join(explain(SegmentOptions, error))}. See `pgen segment --help`.") from None
    # A segmenter that looks at no camera takes a dataset whose videos are not at hand, too.
    source = {_SOURCE[flag]: value for flag, value in flags.items() if flag in _SOURCE}
    answering = None if generator == MODEL_FREE else _generator(generator, asked[Generator.kind])
    working: Any = registry().find(Executor.kind, executor)
    where = working(**fitting(working, asked[Executor.kind]))
    return Job(options, LeRobotSource(**source, views=splitter.views, skills="task"), splitter, answering, where)


def _generator(name: str | None, options: dict[str, Any]) -> Generator | None:
    if name is None:
        if options:
            raise ConfigError(f"option {next(iter(options))} is a generator's: name who answers with --generator NAME.")
        return None
    cls: Any = registry().find(Generator.kind, name)
    generator: Generator = cls(**fitting(cls, options))
    return generator


def _of(flags: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: flags[name] for name in names if name in flags}


def _assigned(assignments: Sequence[str], classes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`segmenter.steady=0.5`; an option that holds several takes them one by one, or as a JSON list."""
    options: dict[str, dict[str, Any]] = {kind: {} for kind in classes}
    for text in assignments:
        key, sign, value = text.partition("=")
        kind, _, option = key.strip().partition(".")
        if not sign or kind not in classes or not option:
            kinds = ", ".join(classes)
            raise ConfigError(f"--opt {text!r}: write it as COMPONENT.OPTION=VALUE, with {kinds} as the component.")
        option = option.replace("-", "_")
        cls = classes[kind]
        field = cls.Options.model_fields.get(option) if cls else None
        read = _read(key, value)
        if field is not None and field.default == ():
            read = (*options[kind].get(option, ()), *(read if isinstance(read, list) else (read,)))
        options[kind][option] = read
    return options


def _read(key: str, value: str) -> Any:
    if not value.startswith(('["', "{")):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigError(f"--opt {key}: the value is not JSON: {error}.") from None
