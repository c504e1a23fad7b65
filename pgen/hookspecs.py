"""The hooks that a plugin may implement. Each is called once and returns classes, commands or declarations.

A plugin is a module named by an entry point of the group `pgen`; its hook implementations carry `@hookimpl`. Hooks
for the help of commands (`pgen_flags`, `pgen_defaults`, `pgen_steps`) must not import components.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from pgen.components import Check, Executor, Generator, PromptBuilder, Sampler, Segmenter, Sink, Source

hookspec = pluggy.HookspecMarker("pgen")
hookimpl = pluggy.HookimplMarker("pgen")


@dataclass(frozen=True, slots=True)
class Flag:
    """A command-line flag for an option of a component.

    `option` is the `KIND.OPTION` that the flag sets, `group` the heading in the help. With the type bool the flag
    takes no value. Plugins may declare the same flag for the same option; the help shows the first.
    """

    name: str
    option: str
    help: str
    group: str
    type: type = str
    metavar: str | None = None
    multiple: bool = False

    @property
    def parameter(self) -> str:
        """The flag's name as a Python identifier."""
        return _identifier(self.name)

    @property
    def target(self) -> tuple[str, str]:
        """The component's kind and the option's name."""
        kind, _, option = self.option.partition(".")
        return kind, option


@dataclass(frozen=True, slots=True)
class Preview:
    """What `--dry-run` prints of a step: lines, and its tokens; and the configuration to plan the run with."""

    config: Any
    lines: Sequence[str]
    tokens_in: int = 0
    tokens_out: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """Work of `pgen annotate` before the run, requested by the switch `flag`.

    A step with `automatic` also runs without its switch where that returns True for the run's configuration; the switch
    then has a second form, `--no-…`.

    `prepare` takes the run's configuration and the `--opt` values of the kind `takes`, and returns a context manager
    that gives the configuration to run with. `preview` takes the same and gives a Preview, without a request.
    """

    flag: str
    help: str
    group: str
    takes: str
    prepare: Callable[[Any, Sequence[str]], AbstractContextManager[Any]]
    preview: Callable[[Any, Sequence[str]], AbstractContextManager[Preview]] | None = None
    automatic: Callable[[Any], bool] | None = None

    @property
    def parameter(self) -> str:
        """The flag's name as a Python identifier."""
        return _identifier(self.flag)


def _identifier(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


@hookspec
def pgen_sources() -> Iterable[type["Source"]]:
    """Return inputs: episodes with their skills, and the images of samples."""
    return ()


@hookspec
def pgen_samplers() -> Iterable[type["Sampler"]]:
    """Return strategies that choose an episode's samples."""
    return ()


@hookspec
def pgen_prompt_builders() -> Iterable[type["PromptBuilder"]]:
    """Return builders of a sample's prompt and reply schema."""
    return ()


@hookspec
def pgen_generators() -> Iterable[type["Generator"]]:
    """Return models, clients of servers, and their substitutes."""
    return ()


@hookspec
def pgen_checks() -> Iterable[type["Check"]]:
    """Return checks of a dialogue."""
    return ()


@hookspec
def pgen_sinks() -> Iterable[type["Sink"]]:
    """Return output formats."""
    return ()


@hookspec
def pgen_executors() -> Iterable[type["Executor"]]:
    """Return executors, which decide where requests are sent from."""
    return ()


@hookspec
def pgen_segmenters() -> Iterable[type["Segmenter"]]:
    """Return methods that split an episode into skills."""
    return ()


@hookspec
def pgen_commands() -> Iterable["click.Command"]:
    """Return commands for the command line."""
    return ()


@hookspec
def pgen_flags() -> Iterable[Flag]:
    """Return short flags for options of components."""
    return ()


@hookspec
def pgen_defaults() -> Mapping[str, str | Sequence[str]]:
    """Return the components that a run uses where none of their kind is named, by kind."""
    return {}


@hookspec
def pgen_steps() -> Iterable[Step]:
    """Return steps that `pgen annotate` can execute before the run."""
    return ()


@hookspec
def pgen_names() -> Mapping[str, str]:
    """Return names that `import pgen` offers for the plugin, as `module:attribute`."""
    return {}


HOOKS = {
    "source": "pgen_sources",
    "sampler": "pgen_samplers",
    "prompt": "pgen_prompt_builders",
    "generator": "pgen_generators",
    "check": "pgen_checks",
    "sink": "pgen_sinks",
    "executor": "pgen_executors",
    "segmenter": "pgen_segmenters",
}
"""The hook that provides each kind of component."""
