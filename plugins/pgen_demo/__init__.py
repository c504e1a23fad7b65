"""The command `pgen demo`: renders a small dataset, annotates it without a model, and verifies the result."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def pgen_commands() -> Iterable["click.Command"]:
    from pgen_demo.command import demo

    return (demo,)
