"""Files of text that come with a dataset or a run: read whole, or by lines, up to a size, and never trusted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.formats.lfs_pointers import check_fetched
from pgen.safety.paths import check_regular

MOST = 256 << 20
"""Bytes of a side file: the skills of a million episodes fit."""

LINE = 1 << 24
"""Characters of a line of JSON."""

TEMPLATE = 1 << 20
"""Bytes of a prompt template or a run file."""


def read_bounded(path: Path, most: int = MOST) -> bytes:
    """The file's content. Raises InputError for a larger file, a Git LFS pointer or a named pipe, OSError for one that
    cannot be read."""
    check_regular(path)
    check_fetched([path])
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InputError(f"{path} is larger than {most >> 20} MB; no file of its kind is.")
    return content


def read_json(path: Path) -> Any:
    """The JSON value in a file. Raises InputError, and FileNotFoundError where there is none."""
    try:
        return check_text(json.loads(read_bounded(path).decode("utf-8-sig")), str(path))
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{path} cannot be read as JSON: it is nested too deep.") from None


def check_text(value: Any, where: str) -> Any:
    """The JSON value. Raises InputError where a text in it is none that a table or a file can hold."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InputError(f"{where} holds half of a surrogate pair, which no table can hold; correct it.") from None
    return value


def json_lines(path: Path, most: int = LINE) -> Iterator[tuple[int, Any]]:
    """Each JSON value of a file of lines with its line's number, from 1; empty lines are passed over.

    Raises InputError naming the line, which holds `most` characters at most, or for a Git LFS pointer, and OSError.
    """
    check_regular(path)
    check_fetched([path])
    with path.open(encoding="utf-8-sig") as file:
        try:
            for number, text in enumerate(iter(lambda: file.readline(most + 1), ""), start=1):
                if text.strip():
                    yield number, _value(text, most, f"{path}, line {number}")
        except UnicodeDecodeError as error:
            raise InputError(f"{path} cannot be read as UTF-8: {error}.") from None


def _value(text: str, most: int, where: str) -> Any:
    if len(text) > most:
        raise InputError(f"{where} is longer than {most:,} characters; no line of its kind is.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} is not JSON: {error}.") from None
