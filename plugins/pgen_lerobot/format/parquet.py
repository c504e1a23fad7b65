"""Parquet files rewritten as they were: the settings of the original's writer, as far as a file tells them.

Compression, dictionaries, encodings, statistics and page indexes are read column by column from the
original's metadata; a column that is new takes those of a neighbour.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pgen.storage.durable import sync

_CODECS = {"UNCOMPRESSED": "NONE", "LZ4_RAW": "LZ4"}
_DICTIONARIES = {"PLAIN_DICTIONARY", "RLE_DICTIONARY"}
_ENCODINGS = ("BYTE_STREAM_SPLIT", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY")
_ARROW = b"ARROW:schema"
_CHUNKING = b"content_defined_chunking"
_PIECE = 4096

type Pieces = Callable[[pa.Table], Iterable[pa.Table]]
"""What becomes of a row group: one or more, in order."""


def writer_like(
    file: pq.ParquetFile,
    target: Path | pa.NativeFile,
    schema: pa.Schema,
    new: Mapping[str, str],
    dictionaries: Iterable[str] = (),
) -> pq.ParquetWriter:
    """A writer with the settings of `file`; `new` names, for each new column, the column it is like.

    The columns of `dictionaries` are written with a dictionary in any case.
    """
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
    chunks = _chunks(file)
    for column, like in new.items():
        known = {path: chunk for path, chunk in chunks.items() if path == like or path.startswith(f"{like}.")}
        chunks |= {column + path.removeprefix(like): chunk for path, chunk in known.items()}
    named = set(dictionaries)
    dictionaries = [path for path, chunk in chunks.items() if path in named or _DICTIONARIES & set(chunk.encodings)]
    settings: dict[str, Any] = {
        "version": file.metadata.format_version,
        "write_page_index": any(chunk.has_offset_index for chunk in chunks.values()),
        "use_content_defined_chunking": _CHUNKING in (file.metadata.metadata or {}),
        "use_compliant_nested_type": not any(".list.item" in path for path in chunks),
        "store_schema": _ARROW in (file.metadata.metadata or {}),
    }
    if chunks:
        settings |= {
            "compression": {path: _codec(chunk) for path, chunk in chunks.items()},
            "use_dictionary": dictionaries,
            "column_encoding": _encodings(chunks, dictionaries) or None,
            "write_statistics": [path for path, chunk in chunks.items() if chunk.is_stats_set],
        }
    return pq.ParquetWriter(target, schema, **settings)


def rewrite_in_place(path: Path, schema: pa.Schema, pieces: Pieces, new: Mapping[str, str] | None = None) -> None:
    """A parquet file again, with another schema, renamed into its place; `new` as for `writer_like`."""
    aside = path.with_name(f"{path.name}.new")
    with (
        pq.ParquetFile(path) as file,
        writer_like(file, aside, schema, new or {}, dictionaries=new or ()) as writer,
    ):
        for group in range(file.metadata.num_row_groups):
            for piece in pieces(file.read_row_group(group, use_threads=False)):
                write_group(writer, piece)
        finish(writer, file, schema)
    sync(aside)
    aside.replace(path)


def write_group(writer: pq.ParquetWriter, table: pa.Table) -> None:
    """Write the table as one row group."""
    writer.write_table(table, row_group_size=max(len(table), 1))


def in_pieces(values: Sequence[Any], kind: pa.DataType) -> pa.ChunkedArray:
    """A column of these values, made piece by piece: a long one of texts takes half the memory."""
    pieces = (values[start : start + _PIECE] for start in range(0, len(values), _PIECE))
    return pa.chunked_array([pa.array(piece, kind) for piece in pieces], kind)


def finish(writer: pq.ParquetWriter, file: pq.ParquetFile, schema: pa.Schema) -> None:
    """Write the keys that the writer leaves out: all where the Arrow schema is not stored, else the Hub's."""
    known = {**(file.metadata.metadata or {})}
    kept = {key: value for key, value in known.items() if key == _CHUNKING}
    if _ARROW not in known:
        kept |= schema.metadata or {}
    elif _CHUNKING in (schema.metadata or {}):
        kept = {}
    if kept:
        writer.add_key_value_metadata({key.decode(): value.decode() for key, value in kept.items()})


def with_feature(
    metadata: Mapping[bytes, bytes] | None, names: Mapping[str, str], features: Mapping[str, dict[str, Any]]
) -> dict[bytes | str, bytes | str]:
    """Schema metadata in which the `names` (new: like) are declared too, as Hugging Face and pandas do."""
    told: dict[bytes | str, bytes | str] = {}
    for key, value in (metadata or {}).items():
        if key == b"huggingface":
            told[key] = _in_features(value, names, features)
        elif key == b"pandas":
            told[key] = _in_pandas(value, names)
        else:
            told[key] = value
    return told


def pandas_index(schema: pa.Schema, column: str) -> dict[bytes, bytes]:
    """The schema's metadata, with `column` as the pandas index: LeRobot finds a text by no other way."""
    metadata = dict(schema.metadata or {})
    pandas = json.loads(metadata.get(b"pandas", b"{}"))
    if pandas.get("index_columns") != [column]:
        names = [{"name": None, "field_name": None, "pandas_type": "unicode", "numpy_type": "object"}]
        columns = pandas.get("columns") or [_described(field) for field in schema]
        pandas = {**pandas, "index_columns": [column], "column_indexes": names, "columns": columns}
        metadata[b"pandas"] = json.dumps(pandas).encode()
    return metadata


def _in_features(raw: bytes, names: Mapping[str, str], features: Mapping[str, dict[str, Any]]) -> bytes:
    content = json.loads(raw)
    declared = (content.get("info") or {}).get("features")
    if not isinstance(declared, dict):
        return raw
    for new, like in names.items():
        declared[new] = features.get(new) or declared.get(like)
    return json.dumps(content).encode()


def _in_pandas(raw: bytes, names: Mapping[str, str]) -> bytes:
    content = json.loads(raw)
    columns = content.get("columns")
    if not isinstance(columns, list):
        return raw
    for new, like in names.items():
        known = [column for column in columns if column.get("field_name") == like]
        columns[:] = [column for column in columns if column.get("field_name") != new]
        columns += [{**column, "name": new, "field_name": new} for column in known]
    return json.dumps(content).encode()


def _chunks(file: pq.ParquetFile) -> dict[str, Any]:
    """The first row group's column chunks by path; none where the file has no row group."""
    if not file.metadata.num_row_groups:
        return {}
    group = file.metadata.row_group(0)
    chunks = [group.column(position) for position in range(file.metadata.num_columns)]
    return {chunk.path_in_schema: chunk for chunk in chunks}


def _codec(chunk: Any) -> str:
    return _CODECS.get(chunk.compression, str(chunk.compression))


def _encodings(chunks: Mapping[str, Any], dictionaries: list[str]) -> dict[str, str]:
    found = {}
    for path, chunk in chunks.items():
        special = [name for name in _ENCODINGS if name in chunk.encodings]
        if special and path not in dictionaries:
            found[path] = special[0]
    return found


def _described(field: "pa.Field[Any]") -> dict[str, Any]:
    text = pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    kinds = ("unicode", "object") if text else (str(field.type), str(field.type))
    names = {"name": field.name, "field_name": field.name}
    return {**names, "pandas_type": kinds[0], "numpy_type": kinds[1], "metadata": None}
