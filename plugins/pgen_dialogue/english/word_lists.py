"""Loads word lists from TOML files: a text is a list of words, an array a list of phrases."""

import tomllib
from importlib.resources import files


def word_lists(package: str, name: str) -> dict[str, tuple[str, ...]]:
    """Return the lists of a file of a package; those of a table have the table's name before theirs: `states.open`."""
    listed: dict[str, tuple[str, ...]] = {}
    for key, value in tomllib.loads((files(package) / name).read_text(encoding="utf-8")).items():
        items = {f"{key}.{inner}": text for inner, text in value.items()} if isinstance(value, dict) else {key: value}
        listed |= {name: tuple(text.split() if isinstance(text, str) else text) for name, text in items.items()}
    return listed
