"""`pgen schema`: the JSON Schemas of the files that pgen reads and writes."""

import json

import click

from pgen.cli.command import Command
from pgen.cli.style import definitions


@click.command(cls=Command, place=910)
@click.argument("name", required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema NAME, or list all."""
    from pgen.formats.schemas import load, names

    if name is None:
        click.echo(definitions(((it, load(it)["description"]) for it in names()), indent=""))
        return
    click.echo(json.dumps(load(name), indent=2, ensure_ascii=False))
