"""The components of a run, built from their names and options, or passed as objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic.fields import FieldInfo

from pgen.components import Check, Component, Executor, Generator, PromptBuilder, Sampler, Sink, Source
from pgen.config.options import RunOptions
from pgen.config.runfile import Choice, Keys, RunConfig
from pgen.errors import ConfigError
from pgen.languages import LANGUAGES
from pgen.registry import Registry, base_of, registry

type Objects = Mapping[str, Component | Sequence[Component]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The components of a run."""

    source: Source
    sampler: Sampler
    prompts: PromptBuilder
    generator: Generator
    executor: Executor
    sinks: tuple[Sink, ...]
    checks: tuple[Check, ...] = ()
    judge: Generator | None = None


def create(config: RunConfig, objects: Objects | None = None, plugins: Registry | None = None) -> Parts:
    """Build the components of a configuration, except those passed as `objects`. Raises ConfigError, PluginError."""
    objects, plugins = objects or {}, plugins or registry()
    for kind, value in objects.items():
        for item in value if isinstance(value, Sequence) else (value,):
            _check_kind(kind, item)

    def component(kind: str, choice: Choice) -> Any:
        return objects[kind] if kind in objects else _built(kind, choice, plugins)

    source: Source = component("source", config.source)
    return Parts(
        source,
        component("sampler", config.sampler),
        component("prompt", config.prompt),
        component("generator", config.generator),
        component("executor", config.executor),
        _sinks(config, source, objects.get("sink"), plugins),
        _checks(config, objects.get("check"), plugins),
        # `_check_kind` has checked each object above; the type of `objects` does not know the kind of a key.
        objects.get("judge") or (_judge(config.judge, plugins) if config.judge else None),  # type: ignore[arg-type]
    )


def check_suited(parts: Parts, options: RunOptions) -> None:
    """Raises ConfigError where a component cannot do what the run's options request."""
    languages = parts.generator.languages
    if languages is not None and options.language not in languages:
        names = " and ".join(LANGUAGES[code] for code in sorted(languages))
        raise ConfigError(
            f"--language {options.language}: the generator {parts.generator.name} writes {names} only; choose a model "
            "with --generator NAME, or leave --language out."
        )
    if parts.judge is not None and not parts.judge.any_schema:
        raise ConfigError(f"--judge {parts.judge.name}: it only writes dialogues, and judges none; name a model's.")
    for generator in (parts.generator, parts.judge):
        if generator is not None and generator.defers and not parts.executor.settles:
            raise ConfigError(
                f"--executor {parts.executor.name}: the generator {generator.name} works with --executor local only, "
                "as no request waits for its response."
            )
    for sink in parts.sinks if options.in_place else ():
        for option in sorted(sink.new_output_only):
            if getattr(sink.options, option):
                flag = registry().flag_of("sink", option)
                raise ConfigError(f"{flag} is for a new output, and --in-place writes into the input: leave one out.")


def worker_components(parts: Parts) -> tuple[Component, ...]:
    """Return the components that work between planning and the journal, in whatever process that is."""
    judges = () if parts.judge is None else (parts.judge,)
    return (parts.source, parts.prompts, parts.generator, *parts.checks, *judges)


def fitting(cls: type[Component], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options for a component. Raises ConfigError where a flag sets an option that it does not have."""
    fields = cls.Options.model_fields
    for flag in registry().flags.values():
        kind, option = flag.target
        if kind == cls.kind and option in options and option not in fields:
            raise ConfigError(
                f"{flag.name} does not apply: {kind} {cls.name} has no option {option}. "
                f"See `pgen plugins show {cls.name}`."
            )
    return {name: _completed(fields.get(name), value) for name, value in options.items()}


def _completed(field: FieldInfo | None, value: Any) -> Any:
    default = field.get_default() if field else None
    return {**default, **value} if isinstance(value, Keys) and isinstance(default, dict) else value


def _check_kind(kind: str, value: Any) -> None:
    base = base_of("generator" if kind == "judge" else kind)
    if isinstance(value, base):
        return
    if isinstance(value, type):
        raise ConfigError(f"{kind}={value.__name__} is a class; pass an object, {value.__name__}(…).")
    actual = f"a {value.kind}" if isinstance(value, Component) else f"no component but of type {type(value).__name__}"
    raise ConfigError(f"{kind}={value!r} is {actual}; pass a name or a pgen.{base.__name__}.")


def _built(kind: str, choice: Choice, plugins: Registry) -> Any:
    """Build a component; `NAME:VALUE` also sets the option that its class declares as `argument`."""
    name, colon, value = choice.name.partition(":")
    cls: Any = plugins.find(kind, name)
    if colon and cls.argument is None:
        raise ConfigError(f"--{kind} {choice.name}: {kind} {name} takes no value; name it as --{kind} {name}.")
    return cls(**fitting(cls, choice.options), **({cls.argument: value} if colon else {}))


def _judge(choice: Choice, plugins: Registry) -> Generator:
    cls: Any = plugins.find("generator", choice.name)
    try:
        judge: Generator = cls(**choice.options)
    except ConfigError as error:
        reason = str(error).replace("--opt generator.", "--opt judge.").replace("--opt 'generator.", "--opt 'judge.")
        raise ConfigError(f"--judge {choice.name}: {reason}") from None
    return judge


def _sinks(config: RunConfig, source: Source, sink: Any, plugins: Registry) -> tuple[Sink, ...]:
    """Return the sinks, each after the one that it builds on; one passed as an object needs those with defaults."""
    if sink is not None:
        inner = _ordered([plugins.find("sink", sink.builds_on)], plugins) if sink.builds_on else []
        return (*(cls() for cls in inner), sink)
    names = config.sinks or ((source.output,) if source.output else plugins.defaults.get("sink", ()))
    if not names:
        raise ConfigError(f"source {source.name} has no default sink; choose one with --sink NAME.")
    named: list[Any] = [plugins.find("sink", name) for name in names]
    return _distributed(_ordered(named, plugins), named[0], config.sink_options)


def _checks(config: RunConfig, checks: Any, plugins: Registry) -> tuple[Check, ...]:
    if checks is not None:
        return tuple(checks)
    named: list[Any] = [plugins.find("check", name) for name in config.checks]
    return _distributed(named, named[0], config.check_options) if named else ()


def _distributed(classes: Sequence[Any], first: Any, options: Mapping[str, Any]) -> tuple[Any, ...]:
    """Build the classes, each with the options that it has; `first` refuses those that none has."""
    names = {name for cls in classes for name in cls.Options.model_fields}
    components = []
    for cls in classes:
        own = {name: value for name, value in options.items() if name in cls.Options.model_fields}
        unknown = {name: value for name, value in options.items() if name not in names} if cls is first else {}
        components.append(cls(**own, **fitting(cls, unknown)))
    return tuple(components)


def _ordered(classes: Sequence[Any], plugins: Registry) -> list[Any]:
    """Return each sink once, after the one that it builds on."""
    ordered: list[Any] = []
    for cls in classes:
        chain = [cls]
        while chain[-1].builds_on is not None:
            chain.append(plugins.find("sink", chain[-1].builds_on))
        ordered += [sink for sink in reversed(chain) if sink not in ordered]
    return ordered
