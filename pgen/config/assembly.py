"""The components of a run, built from their names and options, or given as objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pgen.components import Component, Generator, PromptBuilder, Sampler, Sink, Source
from pgen.components.check import Check
from pgen.components.executor import Executor
from pgen.config.runfile import Choice, RunConfig, fitting
from pgen.errors import ConfigError
from pgen.languages import LANGUAGES
from pgen.registry import Registry, registry


@dataclass(frozen=True, slots=True)
class Parts:
    """One component of each kind; one or more sinks, any number of checks, a judge or none."""

    source: Source
    sampler: Sampler
    prompts: PromptBuilder
    generator: Generator
    executor: Executor
    sinks: tuple[Sink, ...]
    checks: tuple[Check, ...] = ()
    judge: Generator | None = None


def create(
    config: RunConfig,
    objects: Mapping[str, Component | Sequence[Component]] | None = None,
    known: Registry | None = None,
) -> Parts:
    """The components that a configuration names, or those of `objects` by kind. Raises ConfigError, PluginError."""
    ready, known = objects or {}, known or registry()

    def one(kind: Any, choice: Choice) -> Any:
        if isinstance(given := ready.get(kind.kind), kind):
            return given
        cls: Any = known.find(kind.kind, choice.name)
        return cls(**fitting(cls, choice.options))

    source: Source = one(Source, config.source)
    sink, judge = ready.get("sink"), ready.get("judge")
    if not isinstance(judge, Generator):
        judge = _judge(config.judge, known) if config.judge else None
    checks: Any = ready.get("check")
    names = config.sinks or (source.output,)
    return Parts(
        source,
        one(Sampler, config.sampler),
        one(PromptBuilder, config.prompt),
        one(Generator, config.generator),
        one(Executor, config.executor),
        _given(sink, known) if isinstance(sink, Sink) else _sinks(names, config.sink_options, known),
        _checks(config, known) if checks is None else tuple(checks),
        judge,
    )


def check_suited(parts: Parts, language: str) -> None:
    """Raises ConfigError where a generator cannot do what the run asks of it."""
    languages = parts.generator.languages
    if languages is not None and language not in languages:
        known = " and ".join(LANGUAGES[code] for code in sorted(languages))
        raise ConfigError(
            f"--language {language}: the generator {parts.generator.name} writes {known} only; ask a model by "
            "--generator NAME, or leave the language away."
        )
    if parts.judge is not None and not parts.judge.any_schema:
        raise ConfigError(f"--judge {parts.judge.name}: it only writes dialogues, and judges none; name a model's.")


def travelling(parts: Parts) -> tuple[Component, ...]:
    """The components that do the work between planning and the journal, wherever that is done."""
    judges = () if parts.judge is None else (parts.judge,)
    return (parts.source, parts.prompts, parts.generator, *parts.checks, *judges)


def _judge(choice: Choice, known: Registry) -> Generator:
    cls: Any = known.find("generator", choice.name)
    try:
        judge: Generator = cls(**choice.options)
    except ConfigError as error:
        told = str(error).replace("--opt generator.", "--opt judge.").replace("--opt 'generator.", "--opt 'judge.")
        raise ConfigError(f"--judge {choice.name}: {told}") from None
    return judge


def _given(sink: Sink, known: Registry) -> tuple[Sink, ...]:
    """A sink that is an object, behind those that it builds on, with their defaults."""
    before: list[Any] = _ordered([known.find("sink", sink.builds_on)], known) if sink.builds_on else []
    return (*(cls() for cls in before), sink)


def _sinks(names: Sequence[str], options: Mapping[str, Any], known: Registry) -> tuple[Sink, ...]:
    named: list[Any] = [known.find("sink", name) for name in names]
    return _several(_ordered(named, known), named[0], options)


def _checks(config: RunConfig, known: Registry) -> tuple[Check, ...]:
    named: list[Any] = [known.find("check", name) for name in config.checks]
    return _several(named, named[0], config.check_options) if named else ()


def _several(classes: Sequence[Any], first: Any, options: Mapping[str, Any]) -> tuple[Any, ...]:
    """Each takes the options that it has; one that none of them has is left to the `first` named, to refuse it."""
    fields = {field for cls in classes for field in cls.Options.model_fields}
    strays = {key: value for key, value in options.items() if key not in fields}
    taken = [{key: value for key, value in options.items() if key in cls.Options.model_fields} for cls in classes]
    taken[classes.index(first)] |= fitting(first, strays)
    return tuple(cls(**its) for cls, its in zip(classes, taken, strict=True))


def _ordered(classes: Sequence[Any], known: Registry) -> list[Any]:
    """Each sink once, behind the one that it builds on."""
    ordered: list[Any] = []
    for cls in classes:
        chain = [cls]
        while chain[-1].builds_on is not None:
            chain.append(known.find("sink", chain[-1].builds_on))
        ordered += [one for one in reversed(chain) if one not in ordered]
    return ordered
