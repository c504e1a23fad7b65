"""The command `pgen review`: a local web app that plays episodes with their skills and dialogue."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pgen.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def pgen_commands() -> "Iterable[click.Command]":
    from pgen_review.command import review

    return (review,)
