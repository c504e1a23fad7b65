"""The command line: parses, calls and prints. Commands are imported when they are run or listed."""

import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module

import click

from pgen import __version__
from pgen.cli.command import Command, Option, option, place_of, require_finite
from pgen.cli.options import flag_options, run_options
from pgen.cli.progress import ProgressBar
from pgen.cli.streams import install_handlers, protect, redacted_output
from pgen.cli.style import definitions, fields, use_color
from pgen.errors import ConfigError, PgenError, StorageError
from pgen.safety.redaction import redact
from pgen.safety.terminal import printable
from pgen.storage.durable import DISK_ERRORS

__all__ = [
    "Command",
    "Option",
    "ProgressBar",
    "cli",
    "definitions",
    "fields",
    "flag_options",
    "main",
    "option",
    "run_options",
]

_OWN = {"annotate": "pgen.cli.annotate", "plugins": "pgen.cli.plugins", "schema": "pgen.cli.schema"}


class Commands(click.Group):
    """The group of all commands; errors are printed in one line and end with an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [command.name or "" for command in sorted(_commands().values(), key=place_of)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = _own(cmd_name) if cmd_name in _OWN else _commands().get(cmd_name)
        if command is not None:
            require_finite(command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments name. Raises UsageError, which suggests names, where none has it."""
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name.replace("_", "-")) is None:
            close = get_close_matches(name, self.list_commands(ctx))
            hint = f"; did you mean {' or '.join(close)}?" if close else ""
            raise click.UsageError(f"there is no command {name!r}{hint}")
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        without = not args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if without:  # click prints the help
                raise
            _show_usage(error, ctx)
            ctx.exit(error.exit_code)

    def invoke(self, ctx: click.Context) -> object:
        try:
            _check_encoding()
            return super().invoke(ctx)
        except click.UsageError as error:
            _show_usage(error, ctx)
            ctx.exit(error.exit_code)
        except PgenError as error:
            _show(str(error), ctx.obj)
            ctx.exit(error.exit_code)
        except OSError as error:
            # Without a file name it concerns none of the user's paths, and needs its traceback.
            if error.errno not in DISK_ERRORS and error.filename is None:
                raise
            _show(f"{error}; put that right and run the same command again.", ctx.obj)
            ctx.exit(StorageError.exit_code)
        except KeyboardInterrupt:
            ctx.exit(130)


def _own(name: str) -> click.Command:
    command: click.Command = getattr(import_module(_OWN[name]), name)
    return command


def _commands() -> dict[str, click.Command]:
    from pgen.registry import registry

    provided = {command.name: command for command in registry().commands() if command.name}
    return provided | {name: _own(name) for name in _OWN}


def _show(problem: str, names: Mapping[str, str] | None = None) -> None:
    """Print an error; `names` replaces names of flags where a script has its own."""
    for flag, name in (names or {}).items():
        problem = problem.replace(flag, name)
    click.echo(click.style("pgen: error:", fg="red", bold=True) + f" {printable(redact(problem))}", err=True)


def _show_usage(error: click.UsageError, ctx: click.Context) -> None:
    """Print an error in the arguments, with the command whose help explains them."""
    command = error.ctx.command_path if error.ctx else " ".join(filter(None, ["pgen", ctx.invoked_subcommand]))
    message = error.format_message().rstrip(".")
    _show(f"{message}{'' if message[-1:] in '?!' else '.'} See `{command} --help`.", ctx.obj)


def _check_encoding() -> None:
    """Raises ConfigError where the encoding of file names is not UTF-8, which datasets use."""
    encoding = sys.getfilesystemencoding()
    if encoding != "utf-8":
        raise ConfigError(
            f"the locale's encoding is {encoding}, and names in datasets are UTF-8; set PYTHONUTF8=1 or LC_ALL=C.UTF-8."
        )


@click.group(
    cls=Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "token_normalize_func": lambda token: token.replace("_", "-"),  # --max_failures is --max-failures
    },
)
@click.version_option(__version__, message="pgen %(version)s")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    expose_value=False,
    is_eager=True,
    callback=use_color,
    help="Print colours; auto: on a terminal, unless NO_COLOR is set.",
)
def cli() -> None:
    """Write the dialogue that hierarchical robot policies learn from into a LeRobot dataset."""


def main(arguments: list[str] | None = None, names: Mapping[str, str] | None = None) -> None:
    """Run a command, by default with the process's arguments.

    `names` maps flags to those of the calling script, for error messages.
    """
    output = protect()
    try:
        with redacted_output():
            install_handlers()
            cli(arguments, prog_name="pgen", obj=names)
    except SystemExit as ended:
        if not ended.code and (failure := output.failure):
            _show(f"everything was done, but standard output could not be written: {failure.strerror}.")
            sys.exit(StorageError.exit_code)
        raise
