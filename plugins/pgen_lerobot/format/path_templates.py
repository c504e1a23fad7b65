"""Paths from the templates of info.json (`data_path`, `video_path`), which are data: filled in, never formatted."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.safety.paths import inside

_FIELD = re.compile(r"\{(\w+)(?::(\d*)d?)?\}")


_MISPLACED = "{} of info.json is not where the files are: found where the format puts them"


def singular(template: str) -> str:
    """The template below `video/`, which some recorders write instead of `videos/`."""
    return f"video/{template.removeprefix('videos/')}" if template.startswith("videos/") else template


def misplaced_notes(*templates: "PathTemplate") -> Counter[str]:
    """A note for each template that was not where files are."""
    return Counter(_MISPLACED.format(template.key) for template in templates if template.broken)


class PathTemplate:
    """A template of info.json. `others` are tried in its stead, in order, where `has` knows no file of its own."""

    def __init__(
        self, root: Path, info: dict[str, Any], key: str, has: Callable[[str], bool], others: tuple[str, ...] = ()
    ) -> None:
        self._root, self.key, self._has, self._others = root, key, has, others
        self._template = info.get(key)
        self.broken = False
        """Whether a file was found by another template than its own."""

    def path(self, **fields: str | int) -> str:
        """A path relative to the root, which stays inside it. Raises InputError."""
        own = self._expand(self._template, fields)
        for path in self._candidates(own, fields):
            if self._has(path):
                self.broken = self.broken or path != own
                return path
        return own

    def _candidates(self, own: str, fields: dict[str, str | int]) -> Iterator[str]:
        if self._others:
            yield own
        for other in self._others:
            yield self._expand(other, fields)

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
