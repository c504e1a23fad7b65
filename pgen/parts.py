"""The components of a run, built from their names and options, or given as objects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pgen.components import Component, Generator, PromptBuilder, Sampler, Sink, Source
from pgen.config import Choice, RunConfig, fitting
from pgen.registry import Registry, registry

C = TypeVar("C", bound=Component)


@dataclass(frozen=True, slots=True)
class Parts:
    """One component of each kind; one or more sinks."""

    source: Source
    sampler: Sampler
    prompts: PromptBuilder
    generator: Generator
    sinks: tuple[Sink, ...]


def create(config: RunConfig, objects: Mapping[str, Component] | None = None, known: Registry | None = None) -> Parts:
    """The components that a configuration names, or those of `objects` by kind. Raises ConfigError, PluginError."""
    ready, known = objects or {}, known or registry()

    def one(kind: type[C], choice: Choice) -> C:
        if isinstance(given := ready.get(kind.kind), kind):
            return given
        cls: Any = known.find(kind.kind, choice.name)
        component: C = cls(**fitting(cls, choice.options))
        return component

    source = one(Source, config.source)
    sink = ready.get("sink")
    names = config.sinks or (source.output,)
    return Parts(
        source,
        one(Sampler, config.sampler),
        one(PromptBuilder, config.prompt),
        one(Generator, config.generator),
        _given(sink, known) if isinstance(sink, Sink) else _sinks(names, config.sink_options, known),
    )


def _given(sink: Sink, known: Registry) -> tuple[Sink, ...]:
    """A sink that is an object, behind those that it builds on, with their defaults."""
    before: list[Any] = _ordered([known.find("sink", sink.builds_on)], known) if sink.builds_on else []
    return (*(cls() for cls in before), sink)


def _sinks(names: Sequence[str], options: Mapping[str, Any], known: Registry) -> tuple[Sink, ...]:
    """Each sink takes the options that it has; one that no sink has is left to the first named, to refuse it."""
    classes: list[Any] = _ordered([known.find("sink", name) for name in names], known)
    fields = {field for cls in classes for field in cls.Options.model_fields}
    strays = {key: value for key, value in options.items() if key not in fields}
    taken = [{key: value for key, value in options.items() if key in cls.Options.model_fields} for cls in classes]
    first = classes.index(known.find("sink", names[0]))
    taken[first] |= fitting(classes[first], strays)
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
