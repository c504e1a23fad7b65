"""Lines of JSON: D_labeled in, D_syn out (Hi Robot, section A)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    from pgen.components import Sink, Source


@hookimpl
def pgen_sources() -> "Iterable[type[Source]]":
    from pgen_jsonl.source import JsonlSource

    return (JsonlSource,)


@hookimpl
def pgen_sinks() -> "Iterable[type[Sink]]":
    from pgen_jsonl.sink import JsonlSink

    return (JsonlSink,)
