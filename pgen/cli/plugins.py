"""`pgen plugins`: what is installed, and what a component can be told."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pgen.components import Component


@click.group(invoke_without_command=True)
@click.pass_context
def plugins(ctx: click.Context) -> None:
    """List the components, by kind, and the plugins they come from."""
    from pgen.hookspecs import HOOKS
    from pgen.registry import registry

    if ctx.invoked_subcommand:
        return
    known = registry()
    width = max((len(name) for kind in HOOKS for name in known.components(kind)), default=0) + 2
    for kind in HOOKS:
        click.echo(f"{kind}s" if kind != "prompt" else "prompt builders")
        for name, cls in known.components(kind).items():
            click.echo(f"  {name:<{width}}{_headline(cls)}  [{known.owner(kind, name)}]")
    for plugin in known.plugins:
        if plugin.error:
            click.echo(f"failed to load: {plugin.name} ({plugin.distribution}): {plugin.error}", err=True)


@plugins.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print the options' JSON Schema.")
def show(name: str, as_json: bool) -> None:
    """Show what the component NAME does and its options."""
    from pgen.registry import registry

    found = registry().named(name)
    if as_json:
        click.echo(json.dumps({kind: cls.Options.model_json_schema() for kind, cls in found.items()}, indent=2))
        return
    click.echo("\n\n".join(_described(kind, cls, registry().owner(kind, name)) for kind, cls in found.items()))


def _described(kind: str, cls: "type[Component]", owner: str) -> str:
    lines = [f"{cls.name}: a {kind} of the plugin {owner}", "", (cls.__doc__ or "").strip()]
    schema = cls.Options.model_json_schema()
    required = schema.get("required", [])
    for option, its in schema["properties"].items() if "properties" in schema else ():
        default = "required" if option in required else f"default: {json.dumps(its.get('default'))}"
        lines += [
            "",
            f"  --opt {kind}.{option}=…  {_type(its)}, {default}",
            f"      {its.get('description', '')}",
        ]
    return "\n".join(lines)


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    return str(schema.get("type", "any"))


def _headline(cls: "type[Component]") -> str:
    lines = (cls.__doc__ or "").strip().splitlines()
    return lines[0] if lines else ""
