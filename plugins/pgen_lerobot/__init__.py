"""LeRobot datasets: read as a source, written as a sink, verified, repaired and pushed by commands."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from pgen.components import Sink, Source


@hookimpl
def pgen_sources() -> "Iterable[type[Source]]":
    from pgen_lerobot.read import LeRobotSource

    return (LeRobotSource,)


@hookimpl
def pgen_sinks() -> "Iterable[type[Sink]]":
    from pgen_lerobot.write import LeRobotSink
    from pgen_lerobot.write.other_forms import LanguageColumnsSink, LeRobotAnnotationsSink, TaskOverrideSink

    return LeRobotSink, LanguageColumnsSink, LeRobotAnnotationsSink, TaskOverrideSink


@hookimpl
def pgen_commands() -> "Iterable[click.Command]":
    from pgen_lerobot.command import push, repair, verify

    return (verify, repair, push)
