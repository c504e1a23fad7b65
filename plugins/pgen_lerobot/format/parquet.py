"""Parquet files rewritten with the settings of the original's writer, as far as a file records them.

Compression, dictionaries, encodings, statistics and page indexes are read column by column from the original's
metadata; a new column takes those of a column that it is like.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.errors import InputError
from pgen.storage.durable import sync
from pgen_lerobot.format.arrow_arrays import arrow_array

_CODECS = {"UNCOMPRESSED": "NONE", "LZ4_RAW": "LZ4"}
_DICTIONARIES = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_ENCODINGS = ("BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY")
_ARROW = b"ARROW:schema"
_CHUNKING = b"content_defined_chunking"
_CHUNK_ROWS = 4096

type Change = Callable[[pa.Table], Iterable[pa.Table]]
"""Returns the row groups that replace a row group, in order."""


def open_parquet(path: Path, open_file: Callable[[Path], Any] = Path, **options: Any) -> pq.ParquetFile:
    """Open a parquet file from what `open_file` returns for its path. Raises InputError where that is not possible."""
    try:
        return pq.ParquetFile(open_file(path), **options)
    except FileNotFoundError:
        raise InputError(f"{path} is missing; the dataset is incomplete.") from None
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{path} is not a readable parquet file: {error}") from None


def read_table(path: Path) -> pa.Table:
    """Read a parquet file of the metadata. Raises InputError where it is missing or not readable."""
    with open_parquet(path) as file:
        try:
            return file.read()
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{path} is not a readable parquet file: {error}") from None


def writer_like(
    file: pq.ParquetFile, target: Path, schema: pa.Schema, new: Mapping[str, str], dictionaries: Iterable[str] = ()
) -> pq.ParquetWriter:
    """Return a writer with the settings of `file`.

    `new` maps each new column to the column whose settings it takes; the columns of `dictionaries` are written
    with a dictionary in any case.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    chunks = _chunks(file)
    for column, like in new.items():
        alike = {path: chunk for path, chunk in chunks.items() if path == like or path.startswith(f"{like}.")}
        chunks |= {column + path.removeprefix(like): chunk for path, chunk in alike.items()}
    named = set(dictionaries)
    dictionaries = [path for path, chunk in chunks.items() if path in named or _DICTIONARIES & set(chunk.encodings)]
    metadata = file.metadata.metadata or {}
    settings: dict[str, Any] = {
        "version": file.metadata.format_version,
        "write_page_index": any(chunk.has_offset_index for chunk in chunks.values()),
        "use_content_defined_chunking": _CHUNKING in metadata,
        "use_compliant_nested_type": not any(".list.item" in path for path in chunks),
        "store_schema": _ARROW in metadata,
    }
    if chunks:
        settings |= {
            "compression": {path: _CODECS.get(chunk.compression, chunk.compression) for path, chunk in chunks.items()},
            "use_dictionary": dictionaries,
            "column_encoding": _encodings(chunks, dictionaries) or None,
            "write_statistics": [path for path, chunk in chunks.items() if chunk.is_stats_set],
        }
    return pq.ParquetWriter(target, schema, **settings)


def rewrite(
    file: pq.ParquetFile,
    target: Path,
    schema: pa.Schema,
    change: Change,
    new: Mapping[str, str],
    dictionaries: Iterable[str] = (),
) -> None:
    """Write a parquet file again with another schema, row group by row group, and sync it.

    `new` and `dictionaries` are as for `writer_like`.
    """
    with writer_like(file, target, schema, new, dictionaries) as writer:
        for group in range(file.metadata.num_row_groups):
            # Without threads: two thirds of the memory, and no slower.
            for table in change(file.read_row_group(group, use_threads=False)):
                writer.write_table(table, row_group_size=max(len(table), 1))
        _write_missing_keys(writer, file, schema)
    sync(target)


def rewrite_in_place(path: Path, schema: pa.Schema, change: Change, new: Mapping[str, str] | None = None) -> None:
    """Rewrite a parquet file beside its place and rename it; the columns of `new` get dictionaries."""
    beside = path.with_name(f"{path.name}.new")
    with pq.ParquetFile(path) as file:
        rewrite(file, beside, schema, change, new or {}, dictionaries=new or ())
    beside.replace(path)


def chunked(values: Sequence[Any], kind: pa.DataType) -> pa.ChunkedArray:
    """Return a column made in chunks: a long one of texts takes half the memory."""
    chunks = (values[start : start + _CHUNK_ROWS] for start in range(0, len(values), _CHUNK_ROWS))
    return pa.chunked_array([arrow_array(chunk, kind) for chunk in chunks], kind)


def _write_missing_keys(writer: pq.ParquetWriter, file: pq.ParquetFile, schema: pa.Schema) -> None:
    """Write the metadata keys that pyarrow omits: all without a stored Arrow schema, else those of chunking."""
    metadata = {**(file.metadata.metadata or {})}
    missing = {key: value for key, value in metadata.items() if key == _CHUNKING}
    if _ARROW not in metadata:
        missing |= schema.metadata or {}
    elif _CHUNKING in (schema.metadata or {}):
        missing = {}
    if missing:
        writer.add_key_value_metadata({key.decode(): value.decode() for key, value in missing.items()})


def declare_like(
    metadata: Mapping[bytes, bytes] | None,
    names: Mapping[str, str],
    features: Mapping[str, dict[str, Any]] | None = None,
) -> dict[bytes | str, bytes | str]:
    """Return schema metadata that also declare the `names` (new: like), for Hugging Face and for pandas.

    `features` are the Hugging Face features of columns that differ from the one they are like.
    """
    # A comprehension, as `dict(metadata)` would have the narrower type of its keys.
    changed: dict[bytes | str, bytes | str] = {key: value for key, value in (metadata or {}).items()}  # noqa: C416
    if raw := (metadata or {}).get(b"huggingface"):
        content = json.loads(raw)
        declared = (content.get("info") or {}).get("features")
        if isinstance(declared, dict):
            declared |= {new: (features or {}).get(new) or declared.get(like) for new, like in names.items()}
            changed[b"huggingface"] = json.dumps(content).encode()
    if raw := (metadata or {}).get(b"pandas"):
        content = json.loads(raw)
        columns = content.get("columns")
        if isinstance(columns, list):
            for new, like in names.items():
                alike = [column for column in columns if column.get("field_name") == like]
                columns[:] = [column for column in columns if column.get("field_name") != new]
                columns += [{**column, "name": new, "field_name": new} for column in alike]
            changed[b"pandas"] = json.dumps(content).encode()
    return changed


def pandas_index(schema: pa.Schema, column: str) -> dict[bytes, bytes]:
    """Return the schema's metadata with `column` as the pandas index, by which alone LeRobot finds a text."""
    metadata = dict(schema.metadata or {})
    pandas = json.loads(metadata.get(b"pandas", b"{}"))
    if pandas.get("index_columns") != [column]:
        names = [{"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}]
        columns = pandas.get("columns") or [_pandas_column(field) for field in schema]
        pandas = {**pandas, "index_columns": [column], "column_indexes": names, "columns": columns}
        metadata[b"pandas"] = json.dumps(pandas).encode()
    return metadata


def group_statistics(file: pq.ParquetFile, column: str) -> list[Any]:
    """Return the statistics of a column of integers in each row group; None for one without them."""
    # Not by the schema of the metadata: the two refer to each other, and neither would be freed.
    metadata, paths = file.metadata, list(_chunks(file))
    if column not in paths:
        return [None] * metadata.num_row_groups
    position = paths.index(column)
    found = (metadata.row_group(group).column(position).statistics for group in range(metadata.num_row_groups))
    return [stats if stats is not None and stats.has_min_max else None for stats in found]


def _chunks(file: pq.ParquetFile) -> dict[str, Any]:
    """Return the first row group's column chunks by path; none where the file has no row group."""
    if not file.metadata.num_row_groups:
        return {}
    group = file.metadata.row_group(0)
    chunks = [group.column(position) for position in range(file.metadata.num_columns)]
    return {chunk.path_in_schema: chunk for chunk in chunks}


def _encodings(chunks: Mapping[str, Any], dictionaries: list[str]) -> dict[str, str]:
    encodings = {}
    for path, chunk in chunks.items():
        special = [name for name in _ENCODINGS if name in chunk.encodings]
        if special and path not in dictionaries:
            encodings[path] = special[0]
    return encodings


def _pandas_column(field: "pa.Field[Any]") -> dict[str, Any]:
    text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    kinds = ("unicode", "object") if text else (str(field.type), str(field.type))
    names = {"name": field.name, "field_name": field.name}
    return {**names, "pandas_type": kinds[0], "numpy_type": kinds[1], "metadata": None}
