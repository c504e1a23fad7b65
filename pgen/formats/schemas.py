"""The JSON Schemas of pgen's files: one file per record under `schemas/` (in a wheel: `pgen/_schemas/`)."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgen.errors import ConfigError

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

_HERE = Path(__file__).parents[1]
_LONGEST = 200
"""Characters of a message; jsonschema quotes the whole value."""


def folder() -> Path:
    """Return the folder of the schemas: inside the installed package, or beside it in a checkout."""
    installed = _HERE / "_schemas"
    return installed if installed.is_dir() else _HERE.parent / "schemas"


def names() -> list[str]:
    """Return the names of the schemas."""
    return sorted(path.name.removesuffix(".schema.json") for path in folder().glob("*.schema.json"))


def load(name: str) -> dict[str, Any]:
    """Return a schema by its name. Raises ConfigError for an unknown name."""
    if name not in names():
        raise ConfigError(f"there is no schema named {name!r}; there are: {', '.join(names())}.")
    schema: dict[str, Any] = json.loads((folder() / f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema


@cache
def validator(name: str) -> "Validator":
    """Return the validator of a schema by its name. Cached, because building one takes milliseconds."""
    return compiled(load(name))


def compiled(schema: Mapping[str, Any]) -> "Validator":
    """Return a validator for a schema. Raises jsonschema.SchemaError if the schema is invalid."""
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def first_error(check: "Validator", value: Any) -> str | None:
    """Return the most relevant violation as `path: message`, or None if the value fits."""
    from jsonschema.exceptions import best_match

    error = best_match(check.iter_errors(value))
    if error is None:
        return None
    message = error.message if len(error.message) <= _LONGEST else f"{error.message[: _LONGEST - 1]}…"
    return f"{error.json_path}: {message}"
