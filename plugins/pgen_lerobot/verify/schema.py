"""The columns of a data file, compared with the features of info.json."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pgen_lerobot.format import COLUMN, Dataset
from pgen_lerobot.verify.problems import Problem


def schema_problems(
    dataset: Dataset, name: str, schema: pa.Schema, number_types: dict[str, list[str]]
) -> Iterator[Problem]:
    """Report missing, undeclared and mistyped columns.

    A number of another type is no problem, as recorders write doubles for all of them: `number_types` collects
    these columns by mismatch.
    """
    declared = {key: feature for key, feature in dataset.features.items() if feature.get("dtype") != "video"}
    for column, feature in declared.items():
        if column not in schema.names:
            yield Problem(name, "the column is missing; info.json declares it", column=column)
        elif mismatch := _mismatch(feature, schema.field(column).type):
            if column != COLUMN and _are_numbers(feature, schema.field(column).type):
                number_types.setdefault(mismatch, []).append(column)
            else:
                yield Problem(name, mismatch, column=column)
    for column in schema.names:
        if column not in declared:
            yield Problem(name, "info.json does not declare the column", column=column)


def _mismatch(feature: dict[str, Any], kind: pa.DataType) -> str | None:
    dtype = str(feature.get("dtype"))
    if dtype in ("image", "language"):
        return None
    element = _element(kind)
    name = {"double": "float64", "float": "float32", "large_string": "string"}.get(str(element), str(element))
    if name != dtype or (element is kind) != (feature.get("shape") == [1]):
        return f"the type is {kind}; info.json says {dtype} of shape {feature.get('shape')}"
    return None


def _are_numbers(feature: dict[str, Any], kind: pa.DataType) -> bool:
    """Return whether type and feature are both numbers, or both lists of numbers."""
    element = _element(kind)
    stored = pa.types.is_integer(element) or pa.types.is_floating(element)
    declared = str(feature.get("dtype")).startswith(("int", "uint", "float"))
    return stored and declared and (element is kind) == (feature.get("shape") == [1])


def _element(kind: pa.DataType) -> pa.DataType:
    """Return the type of a list's innermost elements; any other type itself."""
    while isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType):
        kind = kind.value_type
    return kind
