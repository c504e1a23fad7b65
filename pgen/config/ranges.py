"""Index ranges as users write them: `0-9,12`."""

import re

from pgen.errors import ConfigError

_PART = re.compile(r"(\d+)(?: ?- ?(\d+))?")


def parse_ranges(text: str, option: str) -> set[int]:
    """Return the indices in `text`; ranges include both ends. Raises ConfigError that names `option`."""
    indices: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(" ".join(part.split()))
        if match is None:
            raise ConfigError(f"{option}: {part.strip()!r} is no index and no range; write it as in 0-9,12.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ConfigError(f"{option}: the range {part.strip()!r} ends before it starts.")
        indices.update(range(first, last + 1))
    return indices
