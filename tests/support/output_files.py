"""The files of an output or a source, as values that can be compared."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq


def contents(root: Path) -> dict[str, str]:
    """Return every file of an output: parquet by its values, the manifest without its times, the rest by its hash."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): _content(path) for path in files}


def _content(path: Path) -> str:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return hashlib.sha256(repr((table.schema.to_string(), table.to_pylist())).encode()).hexdigest()
    if path.name == "manifest.json":
        manifest = json.loads(path.read_text())
        del manifest["times"]
        return json.dumps(manifest, sort_keys=True)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hashes(root: Path) -> dict[str, str]:
    """Return the hash of every file of a source."""
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def leftovers(out: Path) -> list[str]:
    """Return the names of the hidden files and folders of a run beside its output."""
    return [path.name for path in out.parent.iterdir() if path.name.startswith(f".{out.name}")]
