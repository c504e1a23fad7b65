"""How text looks on a terminal: colours, and lists that are wrapped with a hanging indent."""

import os
import sys
from collections.abc import Iterable
from shutil import get_terminal_size
from textwrap import wrap

import click

COLORS = {"failed": "red", "scene": "red", "flagged": "yellow", "note": "yellow", "next": "green"}
"""The colours of fields of a report that a user should act on."""
FIELD = 11
"""Columns before the value of a field."""
WIDEST = 100
"""Columns of text on a wide terminal."""


def use_color(ctx: click.Context, parameter: click.Parameter, when: str) -> None:
    """Set whether colours are printed. Without an option: on a terminal, unless NO_COLOR is set, as at no-color.org."""
    if when == "auto" and os.environ.get("NO_COLOR"):
        when = "never"
    ctx.color = {"always": True, "never": False}.get(when)


def fields(text: str) -> str:
    """Color the names of the fields in a report; other lines stay."""
    return "\n".join(_field(line) for line in text.split("\n"))


def _field(line: str) -> str:
    name = line[:FIELD].rstrip()
    if not name.isalpha() or line[FIELD - 1 : FIELD] != " " or line[FIELD : FIELD + 1] in (" ", ""):
        return line
    return click.style(name, fg=COLORS.get(name), bold=True) + line[len(name) :]


def definitions(pairs: Iterable[tuple[str, str]], indent: str = "  ") -> str:
    """Return names with their texts, in two columns; on a terminal, texts are wrapped between words."""
    listed = list(pairs)
    width = max((len(name) for name, _ in listed), default=0) + 2
    names = (indent + name.ljust(width) for name, _ in listed)
    return "\n".join(wrapped(text, name, " " * len(name)) for name, (_, text) in zip(names, listed, strict=True))


def wrapped(text: str, first: str = "", then: str = "") -> str:
    """Return text that begins with `first`; on a terminal it is wrapped between words, and lines begin with `then`."""
    if not sys.stdout.isatty():
        return first + text
    columns = min(get_terminal_size().columns, WIDEST)
    width = max(columns, len(then) + 20)  # a narrow terminal still shows a few words in a line
    lines = wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) or first
