"""Numbers on the command line: nan and infinity are none, for any option of any command."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import click


def require_finite(command: click.Command) -> None:
    """Have the command refuse floats that are not finite; a plugin's command is checked like any other."""
    for parameter in command.params:
        if not isinstance(parameter.callback, _Finite):
            parameter.callback = _Finite(parameter.callback)


class _Finite:
    """A parameter's callback, after the check; a range of click lets nan pass."""

    def __init__(self, callback: Callable[..., Any] | None) -> None:
        self._callback = callback

    def __call__(self, ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float) and not isfinite(number):
                raise click.BadParameter(f"{number} is not a finite number.", ctx, parameter)
        return self._callback(ctx, parameter, value) if self._callback else value
