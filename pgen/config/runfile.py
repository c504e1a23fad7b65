"""The configuration of a run as one value: a TOML run file, overridden by flags and validated as a whole.

A component is a table with its `name` and its options. A flag such as `--model` sets an option of one component; the
plugins declare these flags.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from pgen.components import ROOT, Options, explain
from pgen.config.options import RunOptions
from pgen.errors import ConfigError
from pgen.registry import Registry, registry
from pgen.safety.bounded_json import TEMPLATE, read_bounded

KINDS = ("source", "sampler", "prompt", "generator", "check", "judge", "executor", "sink")
"""The tables of a run file."""
NONE = "none"
"""The name that stands for no check at all."""


class Choice(Options):
    """A component by name, with its options before validation."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


class RunConfig(Options):
    """A whole run: its options, and its components by name. Without sinks, the source's default sink is used."""

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


class Keys(dict[str, Any]):
    """A table whose keys were set one by one: they change the default value instead of replacing it."""


def resolve(path: Path | None, flags: Mapping[str, Any], options: Sequence[str] = ()) -> dict[str, Any]:
    """Return the run file, overridden by `--opt` values, then by flags, as nested tables. Raises ConfigError."""
    values = _read(path) if path else {}
    chosen = {flag: value for flag, value in flags.items() if value is not None and value != ()}
    for kind in KINDS:
        if kind in chosen:
            _choose(values, kind, chosen.pop(kind))
    for text in options:
        assign(values, text)
    targets = {parameter: flag.target for parameter, flag in registry().flags.items()} | {ROOT: ("source", ROOT)}
    for parameter, value in chosen.items():
        _set(values, targets.get(parameter, (parameter,)), value)
    return values


def build(values: Mapping[str, Any], plugins: Registry | None = None) -> RunConfig:
    """Return the validated configuration. Raises ConfigError that names the option and the reason."""
    plugins = plugins or registry()
    run = dict(values)
    tables = {kind: dict(run.pop(kind, {})) for kind in KINDS}
    names = {kind: table.pop("name", None) for kind, table in tables.items()}
    if not names["generator"]:
        raise ConfigError("no generator is named; choose one with --generator NAME (`pgen plugins` lists them).")
    if tables["judge"] and not names["judge"]:
        raise ConfigError("the judge has options but no name; choose a generator with --judge NAME.")
    root = tables["source"].get(ROOT)
    names["source"] = names["source"] or _source_of(root, plugins)

    def choice(kind: str) -> Choice:
        name = names[kind] or next(iter(plugins.defaults.get(kind, ())), None)
        if name is None:
            raise ConfigError(f"no {kind} is named; choose one with --{kind} NAME (`pgen plugins` lists them).")
        return Choice(name=name, options=tables[kind])

    checks = _listed(plugins.defaults.get("check", ()) if names["check"] is None else names["check"])
    return RunConfig(
        run=validated(_in_place(run, root) if run.get("in_place") else run),
        source=choice("source"),
        sampler=choice("sampler"),
        prompt=choice("prompt"),
        generator=choice("generator"),
        judge=choice("judge") if names["judge"] else None,
        executor=choice("executor"),
        checks=() if checks == (NONE,) else checks,
        check_options=tables["check"],
        sinks=_listed(names["sink"]),
        sink_options=tables["sink"],
    )


def validated(options: Mapping[str, Any]) -> RunOptions:
    """Return the run's own options. Raises ConfigError that names the option and the reason."""
    try:
        return RunOptions(**options)
    except ValidationError as error:
        reasons = "; ".join(explain(RunOptions, error))
        raise ConfigError(f"the run: {reasons}. See `pgen annotate --help`.") from None


def _in_place(run: dict[str, Any], root: Any) -> dict[str, Any]:
    """Return the run's options with the input's folder as the output's."""
    if root is None:
        raise ConfigError("--in-place writes into the input's folder: name it with --root DIR.")
    if Path(run.get("output_dir") or root).absolute() != Path(root).absolute():
        raise ConfigError("--in-place writes into --root: leave --output-dir out, or --in-place.")
    return {**run, "output_dir": root}


def _source_of(root: Any, plugins: Registry) -> str | None:
    """Return the name of the source that claims the ending of `root`; None for the default source."""
    sources: Iterable[tuple[str, Any]] = plugins.components("source").items()
    return next((name for name, cls in sources if cls.suffixes and str(root or "").endswith(cls.suffixes)), None)


def _listed(names: Any) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names or ())


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(read_bounded(path, TEMPLATE).decode("utf-8"))
    except OSError as error:
        raise ConfigError(f"the run file {path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the run file {path} is not TOML: {error}.") from None
    for kind in KINDS:
        if kind in values and not isinstance(values[kind], dict):
            raise ConfigError(f'{path}: `{kind}` must be a table, as in [{kind}] and name = "…" below it.')
    return values


def assign(values: dict[str, Any], text: str, kinds: Sequence[str] = KINDS) -> None:
    """Set the option of an `--opt` such as `generator.base_url=…` in nested tables. Raises ConfigError."""
    _set(values, *_assignment(text, kinds))


def _assignment(text: str, kinds: Sequence[str]) -> tuple[list[str], Any]:
    """Split `generator.base_url=…` into its path and its value; lists and objects are JSON."""
    key, sign, value = text.partition("=")
    path = key.strip().split(".")
    if not sign or len(path) < 2 or path[0] not in kinds or not all(path):
        raise ConfigError(
            f"--opt {text!r}: write it as COMPONENT.OPTION=VALUE, with {', '.join(kinds)} as the component."
        )
    # generator.base-url is generator.base_url; deeper keys are the user's own.
    path[1] = path[1].replace("-", "_")
    if value[:1] in ("[", "{"):
        try:
            return path, json.loads(value)
        except ValueError as error:
            raise ConfigError(f"--opt {key}: the value is not JSON: {error}.") from None
    return path, value


def _set(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, Keys())
        if not isinstance(values, dict):
            raise ConfigError(f"--opt {'.'.join(path)}: {key} already has a value that is no table.")
    values[path[-1]] = value


def _choose(values: dict[str, Any], kind: str, name: Any) -> None:
    """Set a component's name; the run file's options are dropped unless they are for the same component."""
    if kind not in values or values[kind].get("name") != name:
        values[kind] = {}
    values[kind]["name"] = name
