"""Options as frozen pydantic models, and their validation errors as messages."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_jsonable_python


class Options(BaseModel):
    """Options of a component: frozen, without unknown names; the docstring of each field is its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


def tuning(default: Any, **constraints: Any) -> Any:
    """Return a field that changes how fast or where a reply is made, never the reply: it invalidates no result."""
    return Field(default, json_schema_extra={"tuning": True}, **constraints)


def is_tuning(extra: Any) -> bool:
    """Return whether a field's `json_schema_extra` is that of a `tuning` field."""
    return isinstance(extra, dict) and bool(extra.get("tuning"))


def defaults_of(options: type[BaseModel]) -> dict[str, Any]:
    """Return the defaults of all options that have one, as JSON values."""
    fields = options.model_fields.items()
    defaults = {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}
    return {name: to_jsonable_python(default) for name, default in defaults.items()}


def explain(options: type[BaseModel], error: ValidationError) -> list[str]:
    """Return the errors as `option: reason` each, with the closest name for an unknown option."""
    reasons = []
    for item in error.errors():
        option = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            names = sorted(options.model_fields)
            close = get_close_matches(option, names, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it has: {', '.join(names) or 'none'}"
            reasons.append(f"there is no option {option} ({hint})")
        elif item["type"] == "missing":
            reasons.append(f"option {option} is required")
        else:
            reasons.append(f"option {option}: {item['msg'].removeprefix('Value error, ')}, got {item['input']!r}")
    return reasons
