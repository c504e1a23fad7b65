"""The hooks a plugin may implement: each is called once and returns classes (or commands).

A plugin is a module, named by an entry point of the group `pgen`, whose functions carry `@hookimpl`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from pgen.components import Generator, PromptBuilder, Sampler, Sink, Source
    from pgen.components.check import Check
    from pgen.components.executor import Executor
    from pgen.components.segmenter import Segmenter

hookspec = pluggy.HookspecMarker("pgen")
hookimpl = pluggy.HookimplMarker("pgen")


@hookspec
def pgen_sources() -> Iterable[type["Source"]]:
    """Inputs: episodes with their skills, and the pictures of a sample."""
    return ()


@hookspec
def pgen_samplers() -> Iterable[type["Sampler"]]:
    """Ways to choose the moments of an episode."""
    return ()


@hookspec
def pgen_prompt_builders() -> Iterable[type["PromptBuilder"]]:
    """Ways to ask: text and reply schema for a sample."""
    return ()


@hookspec
def pgen_generators() -> Iterable[type["Generator"]]:
    """Ways to answer: models, servers, and what stands in for them."""
    return ()


@hookspec
def pgen_checks() -> Iterable[type["Check"]]:
    """What may be wrong with a dialogue."""
    return ()


@hookspec
def pgen_sinks() -> Iterable[type["Sink"]]:
    """Forms of the output."""
    return ()


@hookspec
def pgen_executors() -> Iterable[type["Executor"]]:
    """Where the work is done."""
    return ()


@hookspec
def pgen_segmenters() -> Iterable[type["Segmenter"]]:
    """Ways to split an episode into skills."""
    return ()


@hookspec
def pgen_commands() -> Iterable["click.Command"]:
    """Further commands of the command line."""
    return ()


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
