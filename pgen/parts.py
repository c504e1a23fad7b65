"""The components of a run, built from their names and options, or given as objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pgen.checks import Check
from pgen.components import Component, Generator, PromptBuilder, Sampler, Sink, Source
from pgen.config import Choice, RunConfig, fitting
from pgen.errors import ConfigError
from pgen.languages import LANGUAGES
from pgen.registry import Registry, registry

C = TypeVar("C", bound=Component)


@dataclass(frozen=True, slots=True)
class Parts:
    """One component of each kind; one or more sinks, any number of checks, a judge or none."""

    source: Source
    sampler: Sampler
    prompts: PromptBuilder
    generator: Generator
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

    def one(kind: type[C], choice: Choice) -> C:
        if isinstance(given := ready.get(kind.kind), kind):
            return given
        cls: Any = known.find(kind.kind, choice.name)
        component: C = cls(**fitting(cls, choice.options))
        return component

    source = one(Source, config.source)
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
        (sink,) if isinstance(sink, Sink) else _several(Sink, names, config.sink_options, known),
        _several(Check, config.checks, config.check_options, known) if checks is None else tuple(checks),
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


def _judge(choice: Choice, known: Registry) -> Generator:
    cls: Any = known.find("generator", choice.name)
    try:
        judge: Generator = cls(**choice.options)
    except ConfigError as error:
        told = str(error).replace("--opt generator.", "--opt judge.").replace("--opt 'generator.", "--opt 'judge.")
        raise ConfigError(f"--judge {choice.name}: {told}") from None
    return judge


def _several[P: Component](
    kind: type[P], names: Sequence[str], options: Mapping[str, Any], known: Registry
) -> tuple[P, ...]:
    """Each takes the options that it has; one that none of them has is left to the first, to refuse it."""
    classes: list[Any] = [known.find(kind.kind, name) for name in names]
    if not classes:
        return ()
    fields = {field for cls in classes for field in cls.Options.model_fields}
    strays = {key: value for key, value in options.items() if key not in fields}
    taken = [{key: value for key, value in options.items() if key in cls.Options.model_fields} for cls in classes]
    taken[0] |= fitting(classes[0], strays)
    return tuple(cls(**its) for cls, its in zip(classes, taken, strict=True))
