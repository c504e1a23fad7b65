"""Files of JSON lines, one object a line, as v2.x stores its metadata."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pgen.errors import InputError
from pgen.safety.bounded_json import check_text, json_lines


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read each object with its line number, from 1; empty lines are ignored. Raises InputError."""
    try:
        for number, line in json_lines(path):
            if not isinstance(line, dict):
                raise InputError(f"{path}, line {number} is no JSON object.")
            yield number, check_text(line, f"{path}, line {number}")
    except FileNotFoundError:
        raise InputError(f"{path} is missing; the dataset is incomplete.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def integer(path: Path, number: int, line: dict[str, Any], key: str) -> int:
    """Return a line's non-negative integer, which may be written as a float. Raises InputError."""
    value: Any = line.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not float(value).is_integer() or value < 0:
        raise InputError(f"{path}, line {number}: {key} must be a whole number from 0 on, found {value!r}.")
    return int(value)
