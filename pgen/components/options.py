"""Options as frozen models: what a component, or a run, can be told, and what is wrong with what it was told."""

from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_jsonable_python


class Options(BaseModel):
    """Options of a component: frozen, unknown names refused, each field with its documentation."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


def tuning(default: Any, **constraints: Any) -> Any:
    """A field that changes how fast or where a reply is made, never the reply: finished work stays valid."""
    return Field(default, json_schema_extra={"tuning": True}, **constraints)


def is_tuning(extra: Any) -> bool:
    """Whether a field's extra schema says that it is one of `tuning`."""
    return isinstance(extra, dict) and bool(extra.get("tuning"))


def defaults_of(options: type[BaseModel]) -> dict[str, Any]:
    """The default of each option that has one, as a JSON value."""
    fields = options.model_fields.items()
    defaults = {name: field.get_default(call_default_factory=True) for name, field in fields if not field.is_required()}
    return {name: to_jsonable_python(default) for name, default in defaults.items()}


def explain(options: type[BaseModel], error: ValidationError) -> list[str]:
    """A validation error as `option: reason` each, with the closest name for an unknown option."""
    reasons = []
    for item in error.errors():
        option = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            known = sorted(options.model_fields)
            close = get_close_matches(option, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"it has: {', '.join(known) or 'none'}"
            reasons.append(f"there is no option {option} ({hint})")
        elif item["type"] == "missing":
            reasons.append(f"option {option} is required")
        else:
            reasons.append(f"option {option}: {item['msg'].removeprefix('Value error, ')}, got {item['input']!r}")
    return reasons
