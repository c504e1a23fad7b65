"""The JSON Schemas of pgen's files: one file per record under `schemas/` (in a wheel: `pgen/_schemas/`)."""

import json
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgen.errors import ConfigError

if TYPE_CHECKING:
    import jsonschema
    import jsonschema_rs

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


class Validator:
    """Validates values by a schema. Raises ValueError if the schema is invalid.

    With `fast`, jsonschema-rs decides first, in a hundredth of the time; jsonschema words the violations. It is for
    values that `json` has read: the depth of others could overflow the stack of jsonschema-rs.
    """

    def __init__(self, schema: Mapping[str, Any], *, fast: bool = False) -> None:
        self.schema = schema
        self._fast = _fast(schema) if fast else None
        if self._fast is None:  # jsonschema-rs accepts no invalid schema
            _ = self._validator

    def first_error(self, value: Any) -> str | None:
        """Return the most relevant violation as `path: message`, or None if the value fits."""
        if self._is_valid(value):
            return None
        from jsonschema.exceptions import best_match

        error = best_match(self._validator.iter_errors(value))
        if error is None:
            return None
        message = error.message if len(error.message) <= _LONGEST else f"{error.message[: _LONGEST - 1]}…"
        return f"{error.json_path}: {message}"

    @cached_property
    def _validator(self) -> "jsonschema.Draft202012Validator":
        # Beside the fast validator, it is made for the first violation: its import takes as long as reading a result.
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError

        try:
            Draft202012Validator.check_schema(self.schema)
        except SchemaError as error:
            raise ValueError(error.message) from None
        return Draft202012Validator(self.schema)

    def _is_valid(self, value: Any) -> bool:
        """Return whether jsonschema-rs accepts the value."""
        try:
            return self._fast is not None and self._fast.is_valid(value)
        except ValueError:  # what is no JSON, such as a lone surrogate
            return False


@cache
def validator(name: str) -> Validator:
    """Return the validator of a schema by its name. Cached, because building one takes milliseconds."""
    return Validator(load(name), fast=True)


def _fast(schema: Mapping[str, Any]) -> "jsonschema_rs.Draft202012Validator | None":
    """Return the fast validator; None for a schema with a pattern that only Python knows, or with a remote part."""
    from jsonschema_rs import Draft202012Validator

    try:
        return Draft202012Validator(dict(schema), retriever=_unavailable)
    except ValueError:
        return None


def _unavailable(uri: str) -> Any:
    raise ValueError(f"{uri} is not fetched")
