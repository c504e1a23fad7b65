"""Read text files of a dataset or a run, whole or by lines, up to a size. Their content is untrusted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.formats.lfs_pointers import check_fetched
from pgen.safety.paths import check_regular

MOST = 256 << 20
"""Bytes of a file at most: the skills of a million episodes fit."""

LINE = 1 << 24
"""Characters of a line of JSON at most."""

TEMPLATE = 1 << 20
"""Bytes of a prompt template or a run file at most."""


def read_bounded(path: Path, most: int = MOST) -> bytes:
    """Return the content of a file. Raises InputError if it is larger, a Git LFS pointer or a pipe, and OSError."""
    check_regular(path)
    check_fetched([path])
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InputError(f"{path} is larger than {most >> 20} MB; no file of its kind is.")
    return content


def read_json(path: Path) -> Any:
    """Return the JSON value in a file. Raises InputError, and FileNotFoundError where there is no file."""
    try:
        content = read_bounded(path)
        value = json.loads(content.decode("utf-8-sig"))
        return check_text(value, str(path)) if b"\\u" in content else value  # half a pair can only be an escape
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{path} cannot be read as JSON: it is nested too deep.") from None


def check_text(value: Any, where: str) -> Any:
    """Return the JSON value. Raises InputError where a text in it cannot be encoded."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise InputError(f"{where} holds half of a surrogate pair, which no table can hold; correct it.") from None
    return value


def json_lines(path: Path, most: int = LINE) -> Iterator[tuple[int, Any]]:
    """Yield each JSON value of a file of lines with the line's number, from 1; empty lines are skipped.

    Raises InputError, with the line, for one of more than `most` characters or for a Git LFS pointer, and OSError.
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
