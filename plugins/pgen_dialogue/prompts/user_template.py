"""A user's own prompt template, read and checked once, before the first request.

A file that ends in .j2 or .jinja is a Jinja template in a sandbox; any other is plain text with {placeholders}, in
which a literal brace is written twice. Values are inserted once and never read as a template.
"""

import string
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.safety.bounded_json import TEMPLATE, read_bounded

Fill = Callable[[dict[str, Any]], str]


class Template:
    """A parsed template: its text, the names of its placeholders, and `fill`, which inserts their values."""

    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text
        self.lists = path.suffix in (".j2", ".jinja")
        """Whether values may be lists: in a Jinja template; in plain text each value is a text."""
        self.names, self.fill = (_parse_jinja if self.lists else _parse_plain)(path, text)

    def __reduce__(self) -> tuple[Any, ...]:
        return Template, (self.path, self.text)


def load_template(
    path: Path,
    placeholders: Iterable[str],
    required: Mapping[str, str],
    example: Callable[[Template], dict[str, Any]],
) -> Template:
    """Read a template and fill it once with the values of `example`. Raises ConfigError if that is not possible.

    `required` names the placeholders that must occur, each with what the model cannot know without it.
    """
    try:
        template = Template(path, read_bounded(path, TEMPLATE).decode("utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"prompt file: there is no file {path}; name the template's.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"prompt file: {path} cannot be read as UTF-8 text ({error}).") from None
    if unknown := sorted(template.names.difference(placeholders)):
        allowed = ", ".join(placeholders)
        raise _invalid(path, f"has the unknown placeholder {', '.join(unknown)}; the known ones are {allowed}")
    for name, purpose in required.items():
        if name not in template.names:
            raise _invalid(path, f"never mentions {name}, so the model cannot know {purpose}")
    try:
        template.fill(example(template))
    except Exception as error:  # a template may raise anything that Jinja's expressions can
        raise _invalid(path, f"cannot be filled ({error})") from None
    return template


def _parse_plain(path: Path, text: str) -> tuple[set[str], Fill]:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise _invalid(path, f"is not a valid template ({error}); a literal brace is written twice") from None
    names = {name for _, name, _, _ in parts if name is not None}
    if invalid := sorted(name for name in names if not name.isidentifier()):
        hint = "but only plain names may stand in braces; a literal brace is written twice"
        raise _invalid(path, f"has the placeholder {{{invalid[0]}}}, {hint}")
    if any(spec or conversion for _, name, spec, conversion in parts if name):
        raise _invalid(path, "has a placeholder with a format after its name; only {name} is known")
    return names, text.format_map


def _parse_jinja(path: Path, text: str) -> tuple[set[str], Fill]:
    from jinja2 import StrictUndefined, TemplateError, meta
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    # Both are random, and the same sample must give the same prompt.
    del environment.filters["random"], environment.globals["lipsum"]
    try:
        names = meta.find_undeclared_variables(environment.parse(text)) - set(environment.globals)
        template = environment.from_string(text)
    except TemplateError as error:
        raise _invalid(path, f"is not a valid Jinja template ({error})") from None
    return names, template.render


def _invalid(path: Path, reason: str) -> ConfigError:
    return ConfigError(f"prompt file: {path} {reason}.")
