"""The samplers that come with pgen: `segments`, `interval`, `uniform` and `every-frame`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.components import Sampler


@hookimpl
def pgen_samplers() -> "Iterable[type[Sampler]]":
    from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform

    return (Segments, Interval, Uniform, EveryFrame)
