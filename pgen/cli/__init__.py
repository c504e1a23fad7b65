"""The command line: parses, calls and prints. Commands are imported when they are run or listed."""

import sys
from collections.abc import Mapping
from importlib import import_module

import click

from pgen import __version__
from pgen.cli.guard import guarded
from pgen.cli.numbers import require_finite
from pgen.cli.shown import guard_output, printable
from pgen.cli.streams import protect
from pgen.errors import ConfigError, PgenError, StorageError
from pgen.safety.redaction import redact
from pgen.storage.durable import DISK_ERRORS

_OWN = {"annotate": "pgen.cli.annotate", "plugins": "pgen.cli.plugins", "schema": "pgen.cli.schema"}


class Commands(click.Group):
    """pgen's own commands and those of its plugins; errors end in one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*_OWN, *_added()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _OWN:
            command: click.Command | None = getattr(import_module(_OWN[cmd_name]), cmd_name)
        else:
            command = _added().get(cmd_name)
        if command is not None:
            require_finite(command)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            _check_encoding()
            return super().invoke(ctx)
        except PgenError as error:
            _show(str(error), ctx.obj)
            ctx.exit(error.exit_code)
        except OSError as error:
            # Without a file's name it is no matter of the user's paths, and a traceback says more.
            if error.errno not in DISK_ERRORS and error.filename is None:
                raise
            _show(f"{error}; put that right and run the same command again.", ctx.obj)
            ctx.exit(StorageError.exit_code)
        except KeyboardInterrupt:
            ctx.exit(130)


def _show(problem: str, names: Mapping[str, str] | None = None) -> None:
    """Print an error, with other `names` of flags where a script calls them otherwise."""
    for flag, name in (names or {}).items():
        problem = problem.replace(flag, name)
    click.echo(f"pgen: error: {printable(redact(problem))}", err=True)


def _check_encoding() -> None:
    """Raises ConfigError where names of files are not UTF-8, as they are in datasets."""
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise ConfigError(
            f"the locale's encoding is {encoding}, and names in datasets are UTF-8; set PYTHONUTF8=1 or LC_ALL=C.UTF-8."
        )


def _added() -> dict[str, click.Command]:
    from pgen.registry import registry

    return {command.name: command for command in registry().commands() if command.name and command.name not in _OWN}


@click.group(
    cls=Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "token_normalize_func": lambda token: token.replace("_", "-"),  # --max_failures is --max-failures
    },
)
@click.version_option(__version__, message="pgen %(version)s")
def cli() -> None:
    """Write the dialogue that hierarchical robot policies learn from into a LeRobot dataset."""


def main(arguments: list[str] | None = None, names: Mapping[str, str] | None = None) -> None:
    """The console script; `arguments` are the process's own where none are given.

    `names` are what a script that calls this has flags of its own for: errors name those.
    """
    output = protect()
    try:
        with guarded():
            guard_output()
            cli(arguments, prog_name="pgen", obj=names)
    except SystemExit as ended:
        if not ended.code and (failure := output.failure):
            _show(f"everything was done, but standard output could not be written: {failure.strerror}.")
            sys.exit(StorageError.exit_code)
        raise
