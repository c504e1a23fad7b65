"""Finds plugins and the components they provide, by entry points of the group `pgen`.

A plugin that fails to load is remembered with its error and breaks nothing else; it matters only when a
run asks for a name that nobody else provides.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from pgen import hookspecs
from pgen.errors import ConfigError, PluginError
from pgen.hookspecs import HOOKS

if TYPE_CHECKING:
    import click

    from pgen.components import Component


@dataclass(slots=True)
class Plugin:
    """A plugin: its entry point (None for one that was registered), and its error if it failed to load."""

    name: str
    point: EntryPoint | None = None
    error: str = ""

    @property
    def distribution(self) -> str:
        """Where it comes from. Read only when it is asked for: it takes an e-mail parser."""
        if self.point is None:
            return "registered in this process"
        return f"{self.point.dist.name} {self.point.dist.version}" if self.point.dist else "unknown"


class Registry:
    """The plugins of one process. `found` replaces the installed entry points (in tests)."""

    def __init__(self, found: Iterable[EntryPoint] | None = None) -> None:
        self._manager = pluggy.PluginManager("pgen")
        self._manager.add_hookspecs(hookspecs)
        self._components: dict[str, dict[str, tuple[type[Component], str]]] = {}
        self._plugins: dict[str, Plugin] = {}
        found = entry_points(group="pgen") if found is None else found
        for point in sorted(found, key=lambda point: point.name):
            self._load(point)
        self._check_hooks()

    def register(self, module: object, name: str) -> None:
        """Add a plugin that is not installed: an object with hook implementations."""
        self._manager.register(module, name)
        self._plugins[name] = Plugin(name)
        self._components.clear()
        self._check_hooks()

    @property
    def plugins(self) -> list[Plugin]:
        """Every plugin, the ones that failed included, by name. Asks each for what it provides."""
        for kind in HOOKS:
            self._kind(kind)
        return [self._plugins[name] for name in sorted(self._plugins)]

    def components(self, kind: str) -> dict[str, "type[Component]"]:
        """Every component of a kind, by name. Raises PluginError where two plugins claim one name."""
        return {name: cls for name, (cls, _) in sorted(self._kind(kind).items())}

    def named(self, name: str) -> dict[str, "type[Component]"]:
        """The components of that name, by kind. Raises ConfigError with the closest names."""
        everything = {kind: self.components(kind) for kind in HOOKS}
        found = {kind: known[name] for kind, known in everything.items() if name in known}
        if not found:
            names = sorted({other for known in everything.values() for other in known})
            close = get_close_matches(name, names, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(names)}."
            raise ConfigError(f"there is no component named {name!r}; {hint}")
        return found

    def owner(self, kind: str, name: str) -> str:
        """The plugin that provides a component."""
        return self._kind(kind)[name][1]

    def find(self, kind: str, name: str) -> "type[Component]":
        """The class by its name. Raises ConfigError with the closest names, or the plugins that failed."""
        known = self._kind(kind)
        if name in known:
            return known[name][0]
        close = get_close_matches(name, known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(sorted(known))}."
        failed = "".join(f" Plugin {p.name} failed to load: {p.error}." for p in self.plugins if p.error)
        raise ConfigError(f"there is no {kind} named {name!r}; {hint}{failed}")

    def commands(self) -> "list[click.Command]":
        """The commands that plugins add."""
        return [command for _, command in self._call("pgen_commands")]

    def _load(self, point: EntryPoint) -> None:
        self._plugins[point.name] = plugin = Plugin(point.name, point)
        try:
            self._manager.register(point.load(), point.name)
        except Exception as problem:  # a stranger's module may raise anything
            plugin.error = _describe(problem)

    def _check_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as problem:
            known = ", ".join([*HOOKS.values(), "pgen_commands"])
            raise PluginError(f"{problem}; the hooks are: {known}.") from None

    def _kind(self, kind: str) -> "dict[str, tuple[type[Component], str]]":
        if kind not in self._components:
            taken: dict[str, tuple[type[Component], str]] = {}
            for plugin, cls in self._call(HOOKS[kind]):
                _check_class(kind, cls, plugin)
                if cls.name in taken:
                    raise PluginError(
                        f"two plugins provide a {kind} named {cls.name!r}: {taken[cls.name][1]} and {plugin}; "
                        "uninstall one of them."
                    )
                taken[cls.name] = (cls, plugin)
            self._components[kind] = taken
        return self._components[kind]

    def _call(self, hook: str) -> Iterator[tuple[str, Any]]:
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            try:
                items = list(implementation.function())
            except Exception as problem:  # likewise: a hook imports what it provides
                self._plugins[name].error = _describe(problem)
                continue
            yield from ((name, item) for item in items)


def _describe(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"


def _check_class(kind: str, cls: Any, plugin: str) -> None:
    from pgen import components as known
    from pgen.components.check import Check
    from pgen.components.executor import Executor
    from pgen.components.segmenter import Segmenter

    own = (known.Source, known.Sampler, known.PromptBuilder, known.Generator, known.Sink)
    kinds: tuple[Any, ...] = (*own, Check, Executor, Segmenter)
    base: type[Component] = next(cls for cls in kinds if cls.kind == kind)
    if not (isinstance(cls, type) and issubclass(cls, base)):
        raise PluginError(f"plugin {plugin}: {HOOKS[kind]} returned {cls!r}, which is not a pgen.{base.__name__}.")
    if not isinstance(getattr(cls, "name", None), str):
        raise PluginError(f"plugin {plugin}: {cls.__name__} has no `name`.")


@cache
def registry() -> Registry:
    """The registry of this process."""
    return Registry()
