"""Choose the dimensions of the state and the action that are the gripper: by their names, or as the user lists them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pgen.errors import ConfigError, InputError

STATE, ACTION = "observation.state", "action"
_WORD = re.compile(r"[a-z]+\d*")
_HAND = re.compile(r"\A(?:gripper|grip|finger|fingers|jaw|claw)\d*")
_OTHER = re.compile(
    r"\A(?:d?[xyz]|r[xyzwp]|q[xyzw]|roll|pitch|yaw|rot\w*|vel\w*|speed|effort|force|torque|current|temp\w*)\d*"
)
"""What else is stored of a gripper besides its opening: its pose, speed and force."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One number of a vector feature: its `position` in the vector, and its name where it has one."""

    feature: str
    position: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.feature}[{self.position}]" + (f" {self.name}" if self.name else "")


def dimensions(feature: str, declared: Mapping[str, Any]) -> list[Dimension]:
    """Return the dimensions of a feature as info.json declares it; names may be a list, or lists in an object.

    Raises InputError for an invalid shape.
    """
    shape = declared.get("shape")
    size = shape[0] if isinstance(shape, list) and shape else None
    if not isinstance(size, int) or size < 1:
        raise InputError(
            f"meta/info.json: the feature {feature} has the shape {shape!r}; expected its size, as in [7]."
        )
    names = list(_names(declared.get("names")))
    return [Dimension(feature, i, names[i] if len(names) == size else "") for i in range(size)]


def gripper_dimensions(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Return those whose names say gripper, jaw or finger, and not its pose, speed or force."""
    words = [_WORD.findall(dimension.name.lower()) for dimension in dimensions]
    return [
        dimension
        for dimension, parts in zip(dimensions, words, strict=True)
        if any(map(_HAND.fullmatch, parts)) and not any(map(_OTHER.fullmatch, parts))
    ]


def select(dimensions: Sequence[Dimension], wanted: Sequence[str]) -> list[Dimension]:
    """Return those listed in `wanted`, as `action[6]` or by name. Raises ConfigError for an unknown one."""
    selected = []
    for text in wanted:
        matching = [d for d in dimensions if text in (f"{d.feature}[{d.position}]", d.name)]
        if not matching:
            known = ", ".join(map(str, dimensions))
            raise ConfigError(f"option gripper: there is no dimension {text!r}; there are: {known}.")
        selected += matching
    return selected


def _names(declared: Any) -> Iterator[str]:
    if isinstance(declared, str):
        yield declared
    elif isinstance(declared, list | Mapping):
        for inner in declared.values() if isinstance(declared, Mapping) else declared:
            yield from _names(inner)
