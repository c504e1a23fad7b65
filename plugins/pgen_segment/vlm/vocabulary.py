"""Vocabularies of skill names: from a file, or made from some episodes."""

from collections.abc import Iterable
from pathlib import Path

from pgen.errors import ConfigError
from pgen.records import Episode
from pgen_segment.vlm.prompts import LONGEST_NAME, MOST_SPANS

AUTO = "auto"


def read(choice: str | None) -> tuple[str, ...]:
    """Return the names of a file, one per line, without empty lines and those that begin with #. Raises ConfigError."""
    if choice in (None, AUTO):
        return ()
    path = Path(str(choice))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"--vocabulary {path} cannot be read as a text of names: {error}.") from None
    names = tuple(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip() and line.strip()[0] != "#"))
    if not names:
        raise ConfigError(f"--vocabulary {path} holds no name; write one a line.")
    if len(names) > MOST_SPANS or max(map(len, names)) > LONGEST_NAME:
        raise ConfigError(
            f"--vocabulary {path}: at most {MOST_SPANS} names of at most {LONGEST_NAME} characters; it has "
            f"{len(names)}, the longest with {max(map(len, names))}."
        )
    return names


def spread(episodes: Iterable[Episode], limit: int) -> list[Episode]:
    """Return at most `limit` episodes from all parts of the dataset; at most twice as many are in memory."""
    chosen: list[Episode] = []
    step = 1
    for position, episode in enumerate(episodes):
        if position % step:
            continue
        chosen.append(episode)
        if len(chosen) == 2 * limit:
            chosen, step = chosen[::2], 2 * step
    return chosen[:: -(-len(chosen) // limit)] if chosen else []
