"""Dialogue for others: the command export, which writes chats to fine-tune a high-level policy on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def pgen_commands() -> "Iterable[click.Command]":
    from pgen_export.command import export

    return (export,)
