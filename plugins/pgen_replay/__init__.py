"""The generator `replay`: the answers of a former run, or those that were edited by hand since."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.components import Generator


@hookimpl
def pgen_generators() -> "Iterable[type[Generator]]":
    from pgen_replay.generator import ReplayGenerator

    return (ReplayGenerator,)
