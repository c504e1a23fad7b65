"""The command line: parses, calls and prints. Commands are imported when they are run or listed."""

import sys
from importlib import import_module

import click

from pgen import __version__
from pgen.cli.guard import guarded
from pgen.cli.shown import guard_output, printable
from pgen.durable import OF_THE_DISK
from pgen.errors import PgenError, StorageError
from pgen.secrets import redact

_OWN = {"annotate": "pgen.cli.annotate", "plugins": "pgen.cli.plugins", "schema": "pgen.cli.schema"}


class Commands(click.Group):
    """pgen's own commands and those of its plugins; errors end in one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_OWN, *_added()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _OWN:
            command: click.Command = getattr(import_module(_OWN[cmd_name]), cmd_name)
            return command
        return _added().get(cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except PgenError as error:
            _show(str(error))
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.errno not in OF_THE_DISK:
                raise
            _show(f"{error}; put that right and run the same command again.")
            ctx.exit(StorageError.exit_code)
        except KeyboardInterrupt:
            ctx.exit(130)


def _show(problem: str) -> None:
    click.echo(f"pgen: error: {printable(redact(problem))}", err=True)


def _added() -> dict[str, click.Command]:
    from pgen.registry import registry

    return {command.name: command for command in registry().commands() if command.name and command.name not in _OWN}


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, message="pgen %(version)s")
def cli() -> None:
    """Write the dialogue that hierarchical robot policies learn from into a LeRobot dataset."""


def main(arguments: list[str] | None = None) -> None:
    """The console script; `arguments` are the process's own where none are given."""
    with guarded():
        guard_output()
        sys.exit(cli(arguments))
