"""`pgen plugins`: the installed components, and their options."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pgen.cli.command import Command
from pgen.cli.style import definitions, wrapped

if TYPE_CHECKING:
    from pgen.components import Component


class _Group(Command, click.Group):
    """A group with a place among the commands."""


@click.group(cls=_Group, place=900, invoke_without_command=True)
@click.pass_context
def plugins(ctx: click.Context) -> None:
    """List the components by kind, with their plugins."""
    from pgen.hookspecs import HOOKS
    from pgen.registry import registry

    if ctx.invoked_subcommand:
        return
    kinds = {kind: registry().components(kind) for kind in HOOKS}
    for kind, components in kinds.items():
        click.echo(click.style(f"{kind}s" if kind != "prompt" else "prompt builders", bold=True))
        rows = ((name, f"{_first_line(cls)}  [{registry().owner(kind, name)}]") for name, cls in components.items())
        click.echo(definitions(rows))
    for plugin in registry().plugins:
        if plugin.error:
            click.echo(f"failed to load: {plugin.name} ({plugin.distribution}): {plugin.error}", err=True)


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the options' JSON Schema.")
def show(name: str, as_json: bool) -> None:
    """Show the component NAME and its options."""
    from pgen.registry import registry

    components = registry().named(name)
    if as_json:
        click.echo(json.dumps({kind: cls.Options.model_json_schema() for kind, cls in components.items()}, indent=2))
        return
    descriptions = (_description(kind, cls, registry().owner(kind, name)) for kind, cls in components.items())
    click.echo("\n\n".join("\n".join(lines) for lines in descriptions))


def _description(kind: str, cls: "type[Component]", owner: str) -> Iterator[str]:
    yield from (f"{cls.name}: a {kind} of the plugin {owner}", "", _wrapped_paragraphs(_documentation(cls)))
    schema = cls.Options.model_json_schema()
    for option, field in schema.get("properties", {}).items():
        required = option in schema.get("required", ())
        default = "required" if required else f"default: {json.dumps(field.get('default'))}"
        yield from (
            "",
            f"  {click.style(f'--opt {kind}.{option}=…', bold=True)}  {_type(field)}, {default}",
            wrapped(" ".join(field.get("description", "").split()), "      ", "      "),
        )


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    return str(schema.get("type", "any"))


def _first_line(cls: "type[Component]") -> str:
    return _documentation(cls).partition("\n")[0]


def _wrapped_paragraphs(text: str) -> str:
    paragraphs = (" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    return "\n\n".join(map(wrapped, paragraphs))


def _documentation(cls: "type[Component]") -> str:
    return (cls.__doc__ or "").strip()
