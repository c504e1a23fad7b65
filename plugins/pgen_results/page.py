"""Render and write pages in one file: template, style, script and data together, with nothing to fetch.

Untrusted text reaches a page either escaped by the template or as JSON that scripts display as text. The content
security policy allows only the page's own style and script, by their hashes. Thumbnails are base64 of JPEGs, limited
in number and in bytes.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pgen.components import ImageReader, Source
from pgen.errors import ConfigError, SampleError
from pgen.formats.syn_annotations import from_line
from pgen.records import Sample
from pgen.safety.redaction import without_keys
from pgen.storage.durable import sync, write_text
from pgen_results.lines import Line

MARK = '<meta name="generator" content="pgen">'
"""Identifies a page that pgen wrote and may replace."""
_MARK_WITHIN = 1000
"""Characters from the start of a page that contain its mark."""
_PAGES = Path(__file__).parent / "pages"
_UNSAFE = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def render(template: str, scripts: Sequence[str] = (), data: Any = None, **values: Any) -> str:
    """Return a page from its template; `data` is passed to its scripts as JSON."""
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


PIXELS = 208 * 156
BYTES = 6_000_000
"""The most bytes of all thumbnails of a page together, as JPEG."""


class Thumbnails:
    """Thumbnails by their position in `images`; every `step`-th sample that is passed in has one."""

    def __init__(self, reader: ImageReader | None, step: int) -> None:
        self.images: list[str] = []
        self.unreadable = 0
        self._reader, self._step = reader, step
        self._samples = self._bytes = 0

    def of_line(self, line: Line) -> int | None:
        """Return the position of an annotation's thumbnail, or None where it has none."""
        return self.of_sample(from_line(line).sample)

    def of_sample(self, sample: Sample) -> int | None:
        """Return the position of a sample's thumbnail, or None where it has none."""
        skipped = self._samples % self._step > 0
        self._samples += 1
        moment = sample.moment
        if skipped or self._reader is None or not moment.cameras or self._bytes >= BYTES:
            return None
        first = replace(moment, cameras=moment.cameras[:1], images=moment.images[:1])
        try:
            (image,) = self._reader.images(replace(sample, moment=first))
        except SampleError:
            self.unreadable += 1
            return None
        self._bytes += len(image.jpeg)
        self.images.append(base64.b64encode(image.jpeg).decode())
        return len(self.images) - 1


@contextmanager
def open_thumbnails(source: Source | None, samples: int, limit: int) -> Iterator[Thumbnails]:
    """Make at most `limit` thumbnails, evenly spread over `samples` samples."""
    if source is None or not limit:
        yield Thumbnails(None, 1)
        return
    with source.reader(PIXELS) as reader:
        yield Thumbnails(reader, max(1, -(-samples // limit)))
