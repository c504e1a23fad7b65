"""Results of runs: the commands report, preview, compare and export, and the sink `report`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from pgen.components import Sink


@hookimpl
def pgen_sinks() -> "Iterable[type[Sink]]":
    from pgen_results.report_page import ReportSink

    return (ReportSink,)


@hookimpl
def pgen_commands() -> "Iterable[click.Command]":
    from pgen_results.commands import compare, export, preview, report

    return report, preview, compare, export
