"""Find the columns of a dataset that hold a robot's state and action, and read them as one matrix each.

Datasets have one vector (`observation.state`, openpi's `state`), or one column per part or joint
(`action.gripper`). The names of dimensions come from info.json, or from GR00T's modality.json where it has none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pgen.errors import ConfigError, InputError, SampleError
from pgen.safety.bounded_json import read_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

    type Array = NDArray[np.float64]
    type Values = Mapping[str, Array]

STATE, ACTION = "state", "action"
_WHOLE = {STATE: ("observation.state", "state"), ACTION: ("action", "actions")}
_PART = {
    STATE: re.compile(r"\A(?:observations?[./])?states?[./]"),
    ACTION: re.compile(r"\Aactions?[./]"),
}
_MEASURED = re.compile(r"joint|gripper|qpos|eef|proprio|cartesian")
"""Part of the names of a state's parts where no column is named a state."""
_STATE_PART = re.compile(r"\A(?:observations?[./])?\w+\Z")
_NUMERIC = re.compile(r"\A(?:float|int|bool)\d*\Z")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One number of the state or the action: its `position` in a feature, and its name where it has one."""

    feature: str
    position: int | None
    """None where the feature is a single number with a column of its own."""
    name: str = ""

    @property
    def address(self) -> str:
        """The way in which a user lists it: `action[6]`, or `action.gripper` for a column of its own."""
        return self.feature if self.position is None else f"{self.feature}[{self.position}]"

    def __str__(self) -> str:
        return self.address + (f" {self.name}" if self.name and self.position is not None else "")


@dataclass(frozen=True, slots=True)
class Columns:
    """The dimensions of the state and of the action, in the order of the columns of their matrices."""

    dimensions: Mapping[str, tuple[Dimension, ...]]

    @property
    def features(self) -> list[str]:
        """The columns of the data that hold them."""
        return list(dict.fromkeys(d.feature for declared in self.dimensions.values() for d in declared))

    def read(self, table: "Mapping[str, pa.ChunkedArray[Any]]") -> "dict[str, Array]":
        """Return the matrix of each role, a row per frame. Raises SampleError for values that are no finite numbers."""
        return {role: np.hstack(list(_matrices(table, declared))) for role, declared in self.dimensions.items()}

    def __str__(self) -> str:
        return ", ".join(str(d) for declared in self.dimensions.values() for d in declared)

    def listed(self, role: str, positions: Sequence[int]) -> str:
        """Return dimensions for a message; neighbours that differ by a number alone are written as a range."""
        dimensions = [self.dimensions[role][i] for i in positions]
        first, last = dimensions[0], dimensions[-1]
        stems = {d.name.rstrip("0123456789").rstrip("_.") for d in dimensions}
        if len(dimensions) < 3 or len(stems) > 1 or len({d.feature for d in dimensions}) > 1 or first.position is None:
            return ", ".join(map(str, dimensions))
        return f"{first.feature}[{first.position}] to [{last.position}] {stems.pop()}".rstrip()


def motion_columns(features: Mapping[str, Any], state: Sequence[str] = (), action: Sequence[str] = ()) -> Columns:
    """Return the dimensions of the state and the action; `state` and `action` are columns that the user lists.

    Raises ConfigError for a column that does not exist, and InputError for an invalid shape.
    """
    listed = {STATE: state, ACTION: action}
    for role, names in listed.items():
        for name in names:
            if name not in features:
                raise ConfigError(f"option {role}: there is no column {name!r}; there are: {numeric(features)}.")
    roles = {role: list(names) or _of_role(features, role) for role, names in listed.items()}
    if not roles[STATE]:
        roles[STATE] = [key for key in features if _is_measured(key) and _is_vector(features[key])]
    return Columns(
        {
            role: tuple(d for key in keys for d in dimensions(key, features[key], _part_name(role, key)))
            for role, keys in roles.items()
            if keys
        }
    )


def numeric(features: Mapping[str, Any]) -> str:
    """Return the names of the columns that hold numbers, for a message."""
    return ", ".join(key for key, declared in features.items() if _is_vector(declared)) or "none"


def dimensions(feature: str, declared: Mapping[str, Any], part: str = "") -> list[Dimension]:
    """Return the dimensions of a feature as info.json declares it; names may be a list, or lists in an object.

    `part` begins the name of each. Raises InputError for an invalid shape.
    """
    shape = declared.get("shape")
    size = shape[0] if isinstance(shape, list) and shape else 1 if shape == [] and part else None
    if not isinstance(size, int) or size < 1:
        raise InputError(
            f"meta/info.json: the feature {feature} has the shape {shape!r}; expected its size, as in [7]."
        )
    names = list(_names(declared.get("names")))
    if size == 1 and part:
        return [Dimension(feature, None, part)]
    if len(names) != size:
        names = [str(i) if part else "" for i in range(size)]
    return [Dimension(feature, i, f"{part}.{name}" if part else name) for i, name in enumerate(names)]


def with_modality(columns: Columns, path: Path) -> Columns:
    """Return the columns named by GR00T's modality.json, which says which part of the robot each dimension is of.

    A file that is absent or describes something else changes nothing.
    """
    try:
        modality = read_json(path)
    except (FileNotFoundError, InputError):
        return columns
    named = {}
    for role, declared in columns.dimensions.items():
        parts = modality.get(role) if isinstance(modality, Mapping) else None
        names = dict(_modality_names(parts)) if isinstance(parts, Mapping) else {}
        whole = len({d.feature for d in declared}) == 1
        named[role] = tuple(
            Dimension(d.feature, d.position, names.get(d.position, d.name)) if whole and d.position is not None else d
            for d in declared
        )
    return Columns(named)


def select(columns: Columns, wanted: Sequence[str]) -> list[Dimension]:
    """Return those listed in `wanted`, as `action[6]` or by name. Raises ConfigError for an unknown one."""
    selected: list[Dimension] = []
    every = [d for declared in columns.dimensions.values() for d in declared]
    for text in wanted:
        matching = [d for d in every if text in (d.address, d.name)]
        if not matching:
            raise ConfigError(f"option gripper: there is no dimension {text!r}; there are: {columns}.")
        selected += matching
    return list(dict.fromkeys(selected))


def matrix(column: "pa.ChunkedArray[Any]", name: str, width: int) -> "Array":
    """Return a column of vectors, or of numbers, as n x `width` float64. Raises SampleError for anything else."""
    cells = column.combine_chunks()
    nested = isinstance(cells, pa.ListArray | pa.LargeListArray | pa.FixedSizeListArray)
    flat = cells.flatten() if nested else cells
    try:
        values: Array = flat.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise SampleError("decode", f"the column {name} holds no vectors of numbers: {error}") from None
    if len(values) != len(cells) * width or not np.isfinite(values).all():
        raise SampleError("decode", f"the column {name} has cells that are no vectors of {width} finite numbers.")
    return values.reshape(len(cells), width)


def _matrices(table: "Mapping[str, pa.ChunkedArray[Any]]", declared: Sequence[Dimension]) -> "Iterator[Array]":
    for feature in dict.fromkeys(d.feature for d in declared):
        yield matrix(table[feature], feature, sum(d.feature == feature for d in declared))


def _is_measured(key: str) -> bool:
    return _STATE_PART.match(key) is not None and _MEASURED.search(key) is not None


def _of_role(features: Mapping[str, Any], role: str) -> list[str]:
    """Return the column that is the whole state or action, or else those that are parts of it."""
    for name in _WHOLE[role]:
        if name in features:
            return [name]
    return [key for key in features if _PART[role].match(key) and _is_vector(features[key])]


def _part_name(role: str, key: str) -> str:
    """Return the part of the robot that a column's name says; nothing where the column is the whole state or action."""
    return "" if key in _WHOLE[role] else _PART[role].sub("", key)


def _is_vector(declared: Any) -> bool:
    """Return whether a feature is a number or a vector of numbers."""
    shape = declared.get("shape")
    return bool(_NUMERIC.match(str(declared.get("dtype")))) and isinstance(shape, list) and len(shape) <= 1


def _names(declared: Any) -> Iterator[str]:
    if isinstance(declared, str):
        yield declared
    elif isinstance(declared, list | Mapping):
        for inner in declared.values() if isinstance(declared, Mapping) else declared:
            yield from _names(inner)


def _modality_names(parts: Mapping[Any, Any]) -> Iterator[tuple[int, str]]:
    for part, extent in parts.items():
        start, end = (extent.get(key) for key in ("start", "end")) if isinstance(extent, Mapping) else (None, None)
        if isinstance(start, int) and isinstance(end, int):
            # A file that claims a huge part must not cost memory: no robot has this many joints.
            for number, position in enumerate(range(max(0, start), min(end, 4096))):
                yield position, f"{part}_{number}"
