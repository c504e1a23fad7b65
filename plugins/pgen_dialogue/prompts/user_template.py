"""The user's own templates, read and checked once, before anything is paid for.

A file ending in .j2 or .jinja is a Jinja template in a sandbox; any other is plain text with {fields},
in which a literal brace is written twice. What a value holds is inserted once and never read as a template.
"""

import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.safety.bounded_json import TEMPLATE, read_bounded

Filled = tuple[set[str], Callable[[dict[str, Any]], str]]


class Template:
    """A checked template: its text, the placeholders it mentions, and how it is filled."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text
        self.lists = path.suffix in (".j2", ".jinja")
        """Whether it takes lists as such: a Jinja template does, of plain text each value is a text."""
        self.names, self.fill = (_jinja if self.lists else _plain)(path, text)

    def __reduce__(self) -> tuple[Any, ...]:
        return Template, (self.path, self.text)


def load(
    path: Path, known: tuple[str, ...], needed: Mapping[str, str], example: Callable[[Template], dict[str, Any]]
) -> Template:
    """The template in a file. Raises ConfigError where it is missing, unreadable or wrong.

    `known` are the placeholders there are; `needed` those without which it says too little, each with what
    the model cannot know then. It is filled once with an `example`.
    """
    try:
        template = Template(path, read_bounded(path, TEMPLATE).decode("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"prompt file: there is no file {path}; name the template's.") from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigError(f"prompt file: {path} cannot be read as UTF-8 text ({problem}).") from None
    if unknown := sorted(template.names - set(known)):
        raise _wrong(path, f"has the unknown placeholder {', '.join(unknown)}; the known ones are {', '.join(known)}")
    for name, what in needed.items():
        if name not in template.names:
            raise _wrong(path, f"never mentions {name}, so the model cannot know {what}")
    try:
        template.fill(example(template))
    except Exception as problem:  # a template may do anything that Jinja allows
        raise _wrong(path, f"cannot be filled ({problem})") from None
    return template


def _plain(path: Path, text: str) -> Filled:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as problem:
        raise _wrong(path, f"is not a valid template ({problem}); a literal brace is written twice") from None
    names = {name for _, name, _, _ in parts if name is not None}
    if odd := sorted(name for name in names if not name.isidentifier()):
        hint = "but only plain names may stand in braces; a literal brace is written twice"
        raise _wrong(path, f"has the placeholder {{{odd[0]}}}, {hint}")
    if any(spec or conversion for _, name, spec, conversion in parts if name):
        raise _wrong(path, "has a placeholder with a format after its name; only {name} is known")
    return names, text.format_map


def _jinja(path: Path, text: str) -> Filled:
    from jinja2 import StrictUndefined, TemplateError, meta
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    # the same sample must give the same request
    del environment.filters["random"], environment.globals["lipsum"]
    try:
        names = meta.find_undeclared_variables(environment.parse(text)) - set(environment.globals)
        template = environment.from_string(text)
    except TemplateError as problem:
        raise _wrong(path, f"is not a valid Jinja template ({problem})") from None
    return names, template.render


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError(f"prompt file: {path} {what}.")
