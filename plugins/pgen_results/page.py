"""Pages in one file: template, style, script and data together, nothing fetched.

What comes from data reaches a page in two ways: escaped by the template, or as JSON that scripts show as
text. The content security policy admits the page's own style and script by their hashes, and nothing else.
"""

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.safety.redaction import without_keys
from pgen.storage.durable import sync, write_text

MARK = '<meta name="generator" content="pgen">'
_PAGES = Path(__file__).parent / "pages"
_LOOKED_AT = 1000
"""Characters at a file's start in which its mark is looked for."""
_UNSAFE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def render(template: str, scripts: Sequence[str] = (), data: Any = None, **values: Any) -> str:
    """A page from its template; `data` is what its scripts show."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = _read("page.css")
    script = "".join(_read(name) for name in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    values |= {"style": style, "script": script, "policy": policy, "mark": MARK, "data": as_json(data)}
    return environment.get_template(template).render(values)


def as_json(data: Any) -> str:
    """JSON that may stand inside a script element: nothing in it ends the element, or begins a comment."""
    return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)


def check(path: Path) -> None:
    """Raises ConfigError where a page cannot be written there, or what stands there is no page of pgen's."""
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}; make it, or choose another file.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"{path}: {path.parent} cannot be written to; choose another file.")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file.")
    if path.exists() and MARK not in _start(path):
        raise ConfigError(f"{path} exists and is no page that pgen wrote; choose another file, or move it away.")


def write(path: Path, page: str) -> None:
    """Write a page; a former one stays until it is whole. What no file holds, halves of surrogate pairs, is `?`."""
    part = path.with_name(f".{path.name}.tmp")
    try:
        write_text(part, [without_keys(page)], errors="replace")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync(path.parent)


def _start(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_LOOKED_AT)


def _read(name: str) -> str:
    return (_PAGES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
