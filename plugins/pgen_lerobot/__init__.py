"""LeRobot datasets: read as a source, written as a sink, verified by a command."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from pgen.components import Sink, Source


@hookimpl
def pgen_sources() -> "Iterable[type[Source]]":
    from pgen_lerobot.source import LeRobotSource

    return (LeRobotSource,)


@hookimpl
def pgen_sinks() -> "Iterable[type[Sink]]":
    from pgen_lerobot.forms.annotations import LeRobotAnnotationsSink
    from pgen_lerobot.forms.language_columns import LanguageColumnsSink
    from pgen_lerobot.forms.task_override import TaskOverrideSink
    from pgen_lerobot.sink import LeRobotSink

    return LeRobotSink, LanguageColumnsSink, LeRobotAnnotationsSink, TaskOverrideSink


@hookimpl
def pgen_commands() -> "Iterable[click.Command]":
    from pgen_lerobot.command import verify

    return (verify,)
