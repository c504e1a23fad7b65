"""The JSON Schemas of what enters and leaves pgen, each with a validator that is built once.

They are files under `schemas/` (in a wheel: `pgen/_schemas/`), one a record.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgen.errors import ConfigError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_HERE = Path(__file__).parents[1]


def folder() -> Path:
    """Where the schemas lie: inside the installed package, or beside it in a checkout."""
    installed = _HERE / "_schemas"
    return installed if installed.is_dir() else _HERE.parent / "schemas"


def names() -> list[str]:
    """The schemas' names, without their ending."""
    return sorted(path.name.removesuffix(".schema.json") for path in folder().glob("*.schema.json"))


def load(name: str) -> dict[str, Any]:
    """A schema by its name. Raises ConfigError for an unknown one."""
    if name not in names():
        raise ConfigError(f"there is no schema named {name!r}; there are: {', '.join(names())}.")
    schema: dict[str, Any] = json.loads((folder() / f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


@cache
def validator(name: str) -> "Validator":
    """The validator of a schema, by its name."""
    return compiled(load(name))


def compiled(schema: Mapping[str, Any]) -> "Validator":
    """A validator for a schema that is given as a value."""
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def first_error(check: "Validator", value: Any) -> str | None:
    """The most relevant violation as `path: what is wrong`, or None where `value` fits."""
    from jsonschema.exceptions import best_match

    error = best_match(check.iter_errors(value))
    if error is None:
        return None
    return f"{error.json_path}: {_shortened(error.message)}"


def _shortened(message: str, limit: int = 200) -> str:
    return message if len(message) <= limit else f"{message[: limit - 1]}…"
