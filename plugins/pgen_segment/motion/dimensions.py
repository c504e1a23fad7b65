"""Which dimensions of the state and the action are the gripper: guessed from their names, or as told."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pgen.errors import ConfigError, InputError

STATE, ACTION = "observation.state", "action"
_WORD = re.compile(r"[a-z]+\d*")
_HAND = re.compile(r"\A(?:gripper|grip|finger|fingers|jaw|claw)\d*")
_ELSE = re.compile(
    r"\A(?:d?[xyz]|r[xyzwp]|q[xyzw]|roll|pitch|yaw|rot\w*|vel\w*|speed|effort|force|torque|current|temp\w*)\d*"
)
"""What else of a gripper is stored beside how far it is open: where it is, how fast, how hard."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One number of a vector feature: `position` in it, and its name where it has one."""

    feature: str
    position: int
    name: str = ""

    def __str__(self) -> str:
        return f"{self.feature}[{self.position}]" + (f" {self.name}" if self.name else "")


def dimensions(feature: str, declared: Mapping[str, Any]) -> list[Dimension]:
    """The dimensions of a feature as info.json declares it; names may be a list, or lists in an object.

    Raises InputError for a shape that is none.
    """
    shape = declared.get("shape")
    size = shape[0] if isinstance(shape, list) and shape else None
    if not isinstance(size, int) or size < 1:
        raise InputError(
            f"meta/info.json: the feature {feature} has the shape {shape!r}; expected its size, as in [7]."
        )
    names = list(_names(declared.get("names")))
    return [Dimension(feature, i, names[i] if len(names) == size else "") for i in range(size)]


def guessed(known: Sequence[Dimension]) -> list[Dimension]:
    """Those that are called a gripper, a jaw or fingers, and are not its place, speed or force."""
    found = []
    for dimension in known:
        words = _WORD.findall(dimension.name.lower())
        if any(_HAND.fullmatch(word) for word in words) and not any(_ELSE.fullmatch(word) for word in words):
            found.append(dimension)
    return found


def told(known: Sequence[Dimension], wanted: Sequence[str]) -> list[Dimension]:
    """The ones that are named as `action[6]` or by their names. Raises ConfigError."""
    found = []
    for text in wanted:
        matching = [d for d in known if text in (f"{d.feature}[{d.position}]", d.name)]
        if not matching:
            listed = ", ".join(map(str, known))
            raise ConfigError(f"option gripper: there is no dimension {text!r}; there are: {listed}.")
        found += matching
    return found


def _names(declared: Any) -> Iterator[str]:
    if isinstance(declared, str):
        yield declared
    elif isinstance(declared, Mapping):
        for inner in declared.values():
            yield from _names(inner)
    elif isinstance(declared, list):
        for inner in declared:
            yield from _names(inner)
