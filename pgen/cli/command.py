"""Commands with a place in `pgen --help`, and options in groups."""

from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any

import click

GROUPS = (
    "input",
    "output",
    "sampling and prompts",
    "segmentation",
    "generator",
    "server",
    "local model",
    "checks and judge",
    "run",
)
"""The order of groups in the help of a command; further ones follow, then options without a group."""
LAST = 1000


class Option(click.Option):
    """An option that the help lists under the heading `group`."""

    def __init__(self, *arguments: Any, group: str = "", **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.group = group


class Command(click.Command):
    """A command that `pgen --help` lists by its `place`, then by its name."""

    def __init__(self, *arguments: Any, place: int = LAST, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.place = place

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of each group under its heading."""
        groups: dict[str, list[tuple[str, str]]] = {group: [] for group in GROUPS}
        ungrouped: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):  # the usage line shows it
                continue
            group = getattr(parameter, "group", "")
            if record := parameter.get_help_record(ctx):
                (groups.setdefault(group, []) if group else ungrouped).append(record)
        for group, records in [*groups.items(), ("options", ungrouped)]:
            if records:
                with formatter.section(group.capitalize()):
                    formatter.write_dl(records)


option = partial(click.option, cls=Option)
"""Declare an option of a command, with its `group`."""


def place_of(command: click.Command) -> tuple[int, str]:
    """Return the sort key of a command in `pgen --help`."""
    return getattr(command, "place", LAST), command.name or ""


def require_finite(command: click.Command) -> None:
    """Make all options of a command, also a plugin's, refuse nan and infinity, which click's ranges accept."""
    for parameter in command.params:
        if not isinstance(parameter.callback, _Finite):
            parameter.callback = _Finite(parameter.callback)


class _Finite:
    """The callback of a parameter, preceded by the check."""

    def __init__(self, callback: Callable[..., Any] | None) -> None:
        self._callback = callback

    def __call__(self, ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float) and not isfinite(number):
                raise click.BadParameter(f"{number} is not a finite number.", ctx, parameter)
        return self._callback(ctx, parameter, value) if self._callback else value
