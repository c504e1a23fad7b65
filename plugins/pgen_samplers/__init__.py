"""The samplers that come with pgen: `segments`, `interval`, `uniform` and `every-frame`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import Flag, hookimpl

if TYPE_CHECKING:
    from pgen.components import Sampler


@hookimpl
def pgen_samplers() -> "Iterable[type[Sampler]]":
    from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform

    return (Segments, Interval, Uniform, EveryFrame)


@hookimpl
def pgen_flags() -> "Iterable[Flag]":
    group = "sampling and prompts"
    yield Flag(
        "--sample-interval",
        "sampler.interval",
        "Seconds between two samples.  [default: 4, in spans over 6]",
        group,
        type=float,
        metavar="SECONDS",
    )
    text = "Show a clip of this length before a sample.  [default: 0]"
    yield Flag("--clip", "sampler.clip", text, group, type=float, metavar="SECONDS")


@hookimpl
def pgen_defaults() -> dict[str, str]:
    return {"sampler": "segments"}
