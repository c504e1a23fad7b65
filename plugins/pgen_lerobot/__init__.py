"""LeRobot datasets: read as a source, written as a sink, verified, repaired and pushed by commands."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import Flag, hookimpl

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
    from pgen_lerobot.write.other_forms import (
        HighLevelPolicySink,
        LanguageColumnsSink,
        LeRobotAnnotationsSink,
        TaskOverrideSink,
    )

    return LeRobotSink, HighLevelPolicySink, LanguageColumnsSink, LeRobotAnnotationsSink, TaskOverrideSink


@hookimpl
def pgen_commands() -> "Iterable[click.Command]":
    from pgen_lerobot.command import push, repair, verify

    return (verify, repair, push)


@hookimpl
def pgen_flags() -> "Iterable[Flag]":
    from pgen_lerobot.flags import FLAGS

    return FLAGS


@hookimpl
def pgen_defaults() -> dict[str, str]:
    return {"source": "lerobot"}


@hookimpl
def pgen_names() -> dict[str, str]:
    return {"open": "pgen_lerobot.read:open", "LeRobotDialogueDataset": "pgen_lerobot.read:LeRobotDialogueDataset"}
