"""Render and write pages in one file: template, style, script and data together, with nothing to fetch.

Untrusted text reaches a page either escaped by the template or as JSON that scripts display as text. The content
security policy allows only the page's own style and script, by their hashes.
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pgen.errors import ConfigError
from pgen.safety.redaction import without_keys
from pgen.storage.durable import sync, write_text
from pgen_results.severity import described

MARK = '<meta name="generator" content="pgen">'
"""Identifies a page that pgen wrote and may replace."""
_MARK_WITHIN = 1000
"""Characters from the start of a page that contain its mark."""
_PAGES = Path(__file__).parent / "pages"
_STYLES = ("page.css", "tables.css", "listing.css", "timeline.css", "print.css")
SCRIPTS = ("page.js", "facets.js", "listing.js", "timeline.js", "keys.js")
"""The scripts of every page with a list, before those of the page."""
_UNSAFE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def render(
    template: str, scripts: Sequence[str] = (), data: Any = None, large: Sequence[Any] = (), **values: Any
) -> str:
    """Return a page from its template; `data` is passed to its scripts as JSON, `large` images apart from it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_PAGES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"described": described, "address": address}
    style = "".join(map(_read, _STYLES))
    script = "".join(_read(name) for name in scripts)
    policy = (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    values |= {"style": style, "script": script, "policy": policy, "mark": MARK}
    values |= {"data": as_json(data), "large": as_json(large)}
    return environment.get_template(template).render(values)


def address(state: Mapping[str, Any]) -> str:
    """Return the state of a page as the part of its address after the hash."""
    return urlencode(state, errors="replace")


def as_json(data: Any) -> str:
    """Return JSON that is safe inside a script element: it cannot end the element or start a comment."""
    return json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)


def check(path: Path) -> None:
    """Raise ConfigError where a page cannot be written to `path`, or a file that pgen did not write is there."""
    if not path.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.parent}; make it, or choose another file.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigError(f"{path}: {path.parent} cannot be written to; choose another file.")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; name a file.")
    if path.exists():
        with path.open(encoding="utf-8", errors="replace") as file:
            if MARK not in file.read(_MARK_WITHIN):
                raise ConfigError(
                    f"{path} exists and is no page that pgen wrote; choose another file, or move it away."
                )


def write(path: Path, page: str) -> None:
    """Replace a page atomically and durably. Half of a surrogate pair, which UTF-8 cannot encode, becomes `?`."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        write_text(temporary, [without_keys(page)], errors="replace")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync(path.parent)


def _read(name: str) -> str:
    return (_PAGES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
