"""The configuration of a run as one value: a TOML run file, overridden by flags, checked as a whole.

A component is a table with its `name`; what else the table holds are the component's options. A flag
such as `--model` is a short name for an option of the one component that has it.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo

from pgen.components import Component
from pgen.components.options import Options, explain
from pgen.config.options import RunOptions
from pgen.errors import ConfigError
from pgen.safety.bounded_json import TEMPLATE, read_bounded

SHORT = {
    "root": ("source", "root"),
    "repo_id": ("source", "repo_id"),
    "revision": ("source", "revision"),
    "episodes": ("source", "episodes"),
    "camera": ("source", "cameras"),
    "num_image_views_per_sample": ("source", "views"),
    "skills": ("source", "skills"),
    "sample_interval": ("sampler", "interval"),
    "clip": ("sampler", "clip"),
    "model": ("generator", "model"),
    "temperature": ("generator", "temperature"),
    "base_url": ("generator", "base_url"),
    "wait_for_server": ("generator", "wait_for_server"),
    "serve": ("generator", "serve"),
    "replicas": ("generator", "replicas"),
    "device": ("generator", "device"),
    "dtype": ("generator", "dtype"),
    "attn_implementation": ("generator", "attn_implementation"),
    "load_in_4bit": ("generator", "load_in_4bit"),
    "batch_size": ("generator", "batch_size"),
    "concurrency": ("generator", "concurrency"),
    "overwrite": ("sink", "overwrite"),
    "unlabelled": ("sink", "unlabelled"),
    "copy_videos": ("sink", "copy_videos"),
}
"""Flags that stand for a component's option, by the flag's parameter name."""

COMPONENTS = ("source", "sampler", "prompt", "generator", "check", "judge", "executor", "sink")
SEVERAL = ("check", "sink")
"""Of these there may be more than one."""
DEFAULTS = {"sampler": "segments", "prompt": "hi-robot", "executor": "local"}
CHECKS = ("grounding", "meta-words", "label-copy", "length", "language", "duplicates")
"""The checks where none is named; `none` stands for none."""


class Choice(Options):
    """A component by name, with its options as given."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class RunConfig(Options):
    """A whole run: its options and its components, by name. No sink means the source's own, no judge means none."""

    run: RunOptions
    source: Choice
    sampler: Choice
    prompt: Choice
    generator: Choice
    judge: Choice | None
    executor: Choice
    checks: tuple[str, ...]
    check_options: dict[str, Any]
    sinks: tuple[str, ...]
    sink_options: dict[str, Any]


def resolve(path: Path | None, flags: Mapping[str, Any], options: Sequence[str] = ()) -> dict[str, Any]:
    """The run file, then `--opt`, then the flags that were given, as nested values. Raises ConfigError."""
    values = _read(path) if path else {}
    chosen = {flag: value for flag, value in flags.items() if value is not None and value != ()}
    for kind in COMPONENTS:
        if kind in chosen:
            _rename(values, kind, chosen.pop(kind))
    for text in options:
        _set(values, *_assignment(text))
    for flag, value in chosen.items():
        _set(values, list(SHORT.get(flag, (flag,))), value)
    return values


def build(values: Mapping[str, Any]) -> RunConfig:
    """The checked configuration. Raises ConfigError with the option and the reason."""
    rest = dict(values)
    tables = {kind: dict(rest.pop(kind, {})) for kind in COMPONENTS}
    names = {kind: table.pop("name", None) for kind, table in tables.items()}
    names["source"] = names["source"] or _source_for(tables["source"].get("root"))
    if not names["generator"]:
        raise ConfigError("no generator is named; choose one with --generator NAME (`pgen plugins` lists them).")
    if str(names["prompt"]).startswith("file:"):
        names["prompt"], _, tables["prompt"]["path"] = names["prompt"].partition(":")
    sinks, checks = _listed(names["sink"]), _listed(CHECKS if names["check"] is None else names["check"])
    if rest.get("in_place") and tables["sink"].get("copy_videos"):
        raise ConfigError("--in-place leaves the videos where they are, and --copy-videos copies them: name one.")
    if tables["judge"] and not names["judge"]:
        raise ConfigError("the judge has options but no name; choose a generator with --judge NAME.")
    one = {
        kind: Choice(name=names[kind] or DEFAULTS[kind], options=tables[kind])
        for kind in COMPONENTS
        if kind not in SEVERAL and (kind != "judge" or names[kind])
    }
    return RunConfig(
        run=checked(_placed(rest, tables["source"].get("root"))),
        **{"judge": None, **one},
        checks=() if checks == ("none",) else checks,
        check_options=tables["check"],
        sinks=sinks,
        sink_options=tables["sink"],
    )


def _placed(run: dict[str, Any], root: Any) -> dict[str, Any]:
    """The run's options, with the input's folder as the output's where the run is in place."""
    if not run.get("in_place"):
        return run
    if root is None:
        raise ConfigError("--in-place writes into the input's folder: name it with --root DIR.")
    if Path(run.get("output_dir") or root).absolute() != Path(root).absolute():
        raise ConfigError("--in-place writes into --root: leave --output-dir out, or --in-place.")
    return {**run, "output_dir": root}


def checked(options: Mapping[str, Any]) -> RunOptions:
    """The run's own options. Raises ConfigError with the option and the reason."""
    try:
        return RunOptions(**options)
    except ValidationError as error:
        told = "; ".join(explain(RunOptions, error))
        raise ConfigError(f"the run: {told}. See `pgen annotate --help`.") from None


def fitting(cls: type[Component], options: Mapping[str, Any]) -> dict[str, Any]:
    """The options for a component; ConfigError where a flag stands for one that it does not have."""
    known = cls.Options.model_fields
    for flag, (kind, option) in SHORT.items():
        if kind == cls.kind and option in options and option not in known:
            raise ConfigError(
                f"--{flag.replace('_', '-')} does not apply: {kind} {cls.name} has no option {option}. "
                f"See `pgen plugins show {cls.name}`."
            )
    return {name: _amended(known.get(name), value) for name, value in options.items()}


def _amended(field: FieldInfo | None, value: Any) -> Any:
    """What was set key by key changes the default; what was given as a whole replaces it."""
    default = field.get_default() if field else None
    return {**default, **value} if isinstance(value, _Keys) and isinstance(default, dict) else value


def _listed(names: Any) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())


def _source_for(root: Any) -> str:
    return "jsonl" if str(root or "").endswith(".jsonl") else "lerobot"


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(read_bounded(path, TEMPLATE).decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"the run file {path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the run file {path} is not TOML: {error}.") from None
    for kind in COMPONENTS:
        if kind in values and not isinstance(values[kind], dict):
            raise ConfigError(f'{path}: `{kind}` must be a table, as in [{kind}] and name = "…" below it.')
    return values


def _assignment(text: str) -> tuple[list[str], Any]:
    """`generator.base_url=…` as its path and its value; lists and objects are written as JSON."""
    key, sign, value = text.partition("=")
    path = key.strip().split(".")
    if not sign or len(path) < 2 or path[0] not in COMPONENTS or not all(path):
        raise ConfigError(
            f"--opt {text!r}: write it as COMPONENT.OPTION=VALUE, with {', '.join(COMPONENTS)} as the component."
        )
    path[1] = path[1].replace("-", "_")  # generator.base-url is generator.base_url; keys below it are the user's own
    if value[:1] in ("[", "{"):
        try:
            return path, json.loads(value)
        except ValueError as error:
            raise ConfigError(f"--opt {key}: the value is not JSON: {error}.") from None
    return path, value


class _Keys(dict[str, Any]):
    """Keys that were set one by one."""


def _set(values: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, _Keys())
        if not isinstance(values, dict):
            raise ConfigError(f"--opt {'.'.join(path)}: {key} already has a value that is no table.")
    values[path[-1]] = value


def _rename(values: dict[str, Any], kind: str, name: Any) -> None:
    """Another component than the run file's has other options: the file's do not apply to it."""
    if kind not in values or values[kind].get("name") != name:
        values[kind] = {}
    values[kind]["name"] = name
