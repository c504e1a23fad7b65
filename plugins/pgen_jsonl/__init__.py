"""JSON lines: D_labeled as input, D_syn as output (Hi Robot, section A)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import Flag, hookimpl

if TYPE_CHECKING:
    from pgen.components import Sink, Source


@hookimpl
def pgen_sources() -> "Iterable[type[Source]]":
    from pgen_jsonl.source import JsonlSource

    return (JsonlSource,)


@hookimpl
def pgen_sinks() -> "Iterable[type[Sink]]":
    from pgen_jsonl.source import JsonlSink

    return (JsonlSink,)


@hookimpl
def pgen_flags() -> "Iterable[Flag]":
    yield Flag(
        "--num-image-views-per-sample",
        "source.views",
        "The maximum number of cameras per sample.",
        "input",
        type=int,
        metavar="N",
    )


@hookimpl
def pgen_defaults() -> dict[str, str]:
    return {"sink": "jsonl"}
