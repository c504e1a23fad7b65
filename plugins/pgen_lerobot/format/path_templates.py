"""Paths from the templates of info.json (`data_path`, `video_path`).

A template is untrusted data: its fields are substituted, `str.format` is never called on it.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.safety.paths import inside

_FIELD = re.compile(r"\{(\w+)(?::(\d*)d?)?\}")
_MISPLACED = "{} of info.json is not where the files are: found where the format puts them"


def singular(template: str) -> str:
    """Return a template of `videos/` for the folder `video/`, which some recorders write."""
    return template.replace("videos/", "video/", 1)


def misplaced_notes(*templates: "PathTemplate") -> Counter[str]:
    """Return a note for each template of info.json that does not lead to the files."""
    return Counter(_MISPLACED.format(template.key) for template in templates if template.broken)


class PathTemplate:
    """A template of info.json. `others` are tried in order where `has` has no file at the template's own path."""

    def __init__(
        self, root: Path, info: dict[str, Any], key: str, has: Callable[[str], bool], others: tuple[str, ...] = ()
    ) -> None:
        self._root, self.key, self._has, self._others = root, key, has, others
        self._template = info.get(key)
        self.broken = False
        """Whether a file was found by another template than info.json's."""

    def path(self, **fields: str | int) -> str:
        """Return a path inside the root, relative to it. Raises InputError."""
        own = self._expand(self._template, fields)
        if not self._others or self._has(own):
            return own
        for other in self._others:
            path = self._expand(other, fields)
            if self._has(path):
                self.broken = self.broken or path != own
                return path
        return own

    def _expand(self, template: Any, fields: dict[str, str | int]) -> str:
        origin = f"{self._root / 'meta' / 'info.json'}, {self.key}"
        if not isinstance(template, str):
            raise InputError(f"{origin}: expected a path template, found {template!r}.")

        def fill(match: re.Match[str]) -> str:
            name, width = match.groups()
            if name not in fields:
                raise InputError(f"{origin}: unknown field {{{name}}}; it may use {', '.join(fields)}.")
            return str(fields[name]).zfill(int(width or 0))

        path = _FIELD.sub(fill, template)
        inside(self._root, path, origin)
        return path
