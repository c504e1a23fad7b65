"""The configuration of `pgen segment`: its flags and options, checked as a whole."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from pgen.components import explain
from pgen.errors import ConfigError
from pgen.registry import registry
from pgen.segmenters import Segmenter
from pgen_lerobot.source import LeRobotSource
from pgen_segment.job import Job, SegmentOptions

_SOURCE = ("root", "repo_id", "revision", "episodes")


def job(segmenter: str, assignments: Sequence[str], flags: Mapping[str, Any]) -> Job:
    """The job that the command line asks for. Raises ConfigError with the option and the reason."""
    source = {name: value for name, value in flags.items() if name in _SOURCE}
    run = {name: value for name, value in flags.items() if name not in _SOURCE}
    try:
        options = SegmentOptions(**run)
    except ValidationError as error:
        raise ConfigError(f"the run: {'; '.join(explain(SegmentOptions, error))}. See `pgen segment --help`.") from None
    cls: Any = registry().find(Segmenter.kind, segmenter)
    # No camera is shown: a dataset whose videos are not at hand can be segmented, too.
    return Job(options, LeRobotSource(**source, views=0, skills="task"), cls(**_options(cls, assignments)))


def _options(cls: type[Segmenter], assignments: Sequence[str]) -> dict[str, Any]:
    """`segmenter.steady=0.5`; an option that holds several takes them one by one, or as a JSON list."""
    options: dict[str, Any] = {}
    for text in assignments:
        key, sign, value = text.partition("=")
        kind, _, option = key.strip().partition(".")
        if not sign or kind != Segmenter.kind or not option:
            raise ConfigError(f"--opt {text!r}: write it as segmenter.OPTION=VALUE.")
        field = cls.Options.model_fields.get(option)
        if field is None or field.default != ():
            options[option] = value
        else:
            options[option] = (*options.get(option, ()), *_several(key, value))
    return options


def _several(key: str, value: str) -> Sequence[Any]:
    if not value.startswith('["'):
        return (value,)
    try:
        listed: list[Any] = json.loads(value)
    except ValueError as error:
        raise ConfigError(f"--opt {key}: the value is not JSON: {error}.") from None
    return listed
