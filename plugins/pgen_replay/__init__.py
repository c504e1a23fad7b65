"""The generator and the sampler `replay`: the dialogues of a former run, or of a file that was edited since."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.components import Generator, Sampler


@hookimpl
def pgen_generators() -> "Iterable[type[Generator]]":
    from pgen_replay.generator import ReplayGenerator

    return (ReplayGenerator,)


@hookimpl
def pgen_samplers() -> "Iterable[type[Sampler]]":
    from pgen_replay.generator import ReplaySampler

    return (ReplaySampler,)
