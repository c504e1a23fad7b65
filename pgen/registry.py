"""The installed plugins and what they provide, found through entry points of the group `pgen`.

A plugin that fails to load is recorded with its error and affects nothing else. The error is reported where a
component is requested that no other plugin provides.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract
from typing import TYPE_CHECKING, Any

import pluggy

from pgen import hookspecs
from pgen.errors import ConfigError, PluginError
from pgen.hookspecs import HOOKS, Flag, Step

if TYPE_CHECKING:
    import click

    from pgen.components import Component


@dataclass(slots=True)
class Plugin:
    """A plugin: its entry point (None if registered in this process), and its error if it failed to load."""

    name: str
    point: EntryPoint | None = None
    error: str = ""

    @property
    def distribution(self) -> str:
        """The distribution's name and version. Not read before it is needed: that imports an e-mail parser."""
        if self.point is None:
            return "registered in this process"
        return f"{self.point.dist.name} {self.point.dist.version}" if self.point.dist else "unknown"


class Registry:
    """The plugins of a process; `points` replaces the installed entry points (for tests)."""

    def __init__(self, points: Iterable[EntryPoint] | None = None) -> None:
        self._manager = pluggy.PluginManager("pgen")
        self._manager.add_hookspecs(hookspecs)
        self._components: dict[str, dict[str, tuple[type[Component], str]]] = {}
        self._plugins: dict[str, Plugin] = {}
        points = entry_points(group="pgen") if points is None else points
        for point in sorted(points, key=lambda point: point.name):
            self._plugins[point.name] = plugin = Plugin(point.name, point)
            try:
                self._manager.register(point.load(), point.name)
            except Exception as error:  # importing a third-party module may raise anything
                plugin.error = _describe(error)
        self._check_hooks()

    def register(self, module: object, name: str) -> None:
        """Add a plugin that is not installed: an object with hook implementations."""
        self._manager.register(module, name)
        self._plugins[name] = Plugin(name)
        self._components.clear()
        self._check_hooks()

    @property
    def plugins(self) -> list[Plugin]:
        """All plugins by name, including those that failed. Calls all hooks that provide components."""
        for kind in HOOKS:
            self._kind(kind)
        return [self._plugins[name] for name in sorted(self._plugins)]

    def components(self, kind: str) -> dict[str, "type[Component]"]:
        """Return all components of a kind by name. Raises PluginError where two plugins provide the same name."""
        return {name: cls for name, (cls, _) in sorted(self._kind(kind).items())}

    def named(self, name: str) -> dict[str, "type[Component]"]:
        """Return the components of that name, by kind. Raises ConfigError with the closest names."""
        kinds = {kind: self.components(kind) for kind in HOOKS}
        matches = {kind: components[name] for kind, components in kinds.items() if name in components}
        if not matches:
            names = {other for components in kinds.values() for other in components}
            raise ConfigError(f"there is no component named {name!r}; {_closest(name, names)}")
        return matches

    def owner(self, kind: str, name: str) -> str:
        """Return the name of the plugin that provides a component."""
        return self._kind(kind)[name][1]

    def find(self, kind: str, name: str) -> "type[Component]":
        """Return a component's class. Raises ConfigError with the closest names and the plugins that failed."""
        components = self._kind(kind)
        if name in components:
            return components[name][0]
        failed = "".join(f" Plugin {p.name} failed to load: {p.error}." for p in self.plugins if p.error)
        raise ConfigError(f"there is no {kind} named {name!r}; {_closest(name, components)}{failed}")

    def commands(self) -> "list[click.Command]":
        """Return the commands of all plugins."""
        return [command for _, command in self._call("pgen_commands")]

    def steps(self) -> list[Step]:
        """Return what `pgen annotate` can execute before the run."""
        return [step for _, step in self._call("pgen_steps")]

    @cached_property
    def flags(self) -> dict[str, Flag]:
        """The flags for components' options by parameter. Raises PluginError where two set different options."""
        flags: dict[str, tuple[Flag, str]] = {}
        for plugin, flag in self._call("pgen_flags"):
            first, owner = flags.setdefault(flag.parameter, (flag, plugin))
            if first.option != flag.option:
                raise PluginError(
                    f"two plugins provide {flag.name}: {owner} for {first.option} and {plugin} for {flag.option}; "
                    "uninstall one of them."
                )
        return {parameter: flag for parameter, (flag, _) in flags.items()}

    def flag_of(self, kind: str, option: str) -> str:
        """Return the flag that sets an option; `--opt KIND.OPTION` where it has none."""
        names = (flag.name for flag in self.flags.values() if flag.target == (kind, option))
        return next(names, f"--opt {kind}.{option}")

    @cached_property
    def defaults(self) -> dict[str, tuple[str, ...]]:
        """The components of each kind that a run uses where none is named."""
        defaults: dict[str, tuple[str, ...]] = {}
        for _, (kind, names) in self._call("pgen_defaults", lambda table: table.items()):
            defaults[kind] = (*defaults.get(kind, ()), *([names] if isinstance(names, str) else names))
        return defaults

    @cached_property
    def names(self) -> dict[str, str]:
        """The names that `import pgen` offers for plugins, as `module:attribute`."""
        return dict(name for _, name in self._call("pgen_names", lambda table: table.items()))

    def _check_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            hooks = ", ".join(name for name in vars(hookspecs) if name.startswith("pgen_"))
            raise PluginError(f"{error}; the hooks are: {hooks}.") from None

    def _kind(self, kind: str) -> "dict[str, tuple[type[Component], str]]":
        if kind not in self._components:
            components: dict[str, tuple[type[Component], str]] = {}
            for plugin, cls in self._call(HOOKS[kind]):
                _check_class(kind, cls, plugin)
                if cls.name in components:
                    raise PluginError(
                        f"two plugins provide a {kind} named {cls.name!r}: {components[cls.name][1]} and {plugin}; "
                        "uninstall one of them."
                    )
                components[cls.name] = (cls, plugin)
            self._components[kind] = components
        return self._components[kind]

    def _call(self, hook: str, items: Callable[[Any], Iterable[Any]] = iter) -> Iterator[tuple[str, Any]]:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            try:
                provided = list(items(implementation.function()))
            except Exception as error:  # a hook imports what it provides
                self._plugins[name].error = _describe(error)
                continue
            yield from ((name, item) for item in provided)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _closest(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(names), n=3, cutoff=0.4)
    return f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(sorted(names))}."


def base_of(kind: str) -> "type[Component]":
    """Return the base class of a kind."""
    from pgen.components import Check, Executor, Generator, PromptBuilder, Sampler, Segmenter, Sink, Source

    bases: list[Any] = [Source, Sampler, PromptBuilder, Generator, Check, Sink, Executor, Segmenter]
    base: type[Component] = next(base for base in bases if base.kind == kind)
    return base


def _check_class(kind: str, cls: Any, plugin: str) -> None:
    base = base_of(kind)
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise PluginError(f"plugin {plugin}: {HOOKS[kind]} returned {cls!r}, which is not a pgen.{base.__name__}.")
    if isabstract(cls):
        raise PluginError(f"plugin {plugin}: {cls.__name__} lacks {', '.join(sorted(cls.__abstractmethods__))}.")
    if not isinstance(getattr(cls, "name", None), str):
        raise PluginError(f"plugin {plugin}: {cls.__name__} has no `name`.")


@cache
def registry() -> Registry:
    """Return the registry of this process."""
    return Registry()
