"""`pgen schema`: the JSON Schemas of what pgen reads and writes."""

import json

import click


@click.command()
@click.argument("name", required=False)
def schema(name: str | None) -> None:
    """Print a JSON Schema by NAME, or list them."""
    from pgen.formats.schemas import load, names

    if name is None:
        for known in names():
            click.echo(f"{known:<16}{load(known)['description']}")
        return
    click.echo(json.dumps(load(name), indent=2, ensure_ascii=False))
