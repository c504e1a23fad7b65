"""The index of a review: its tables in a file beside the result, so that opening it again need not read every line.

It is derived from the result, and may be deleted. One that is damaged, or was made of something else, is made again.
"""

import json
import platform
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple
from zlib import crc32

import numpy as np

import pgen
from pgen.safety.paths import VIDEOS
from pgen.storage.workspace import Workspace
from pgen_lerobot.format import walk
from pgen_lerobot.read import LeRobotSource
from pgen_review.events import Key
from pgen_review.sample_table import Ragged, SampleTable
from pgen_review.stored_episodes import EpisodeTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLUGINS = Path(__file__).parents[1]
_CODE = Path(pgen.__file__).parent, *(_PLUGINS / name for name in ("pgen_lerobot", "pgen_results", "pgen_review"))
_ALIGNED = 8
"""Bytes that the place of an array in the file is a multiple of."""


class Tables(NamedTuple):
    """What an index holds: the tables of a review, and the hash of the spans."""

    samples: SampleTable
    episodes: EpisodeTable
    spans: str


class IndexFile:
    """The file with the index of a result, of which `key` names everything that the index depends on."""

    def __init__(self, folder: Path, key: str, *, blind: bool) -> None:
        self._path = Workspace(folder).work / f"review-index{'-blind' if blind else ''}.bin"
        self._key = key

    def load(self) -> Tables | None:
        """Return the tables; None where there is no index, or it is damaged or of something else."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = self._path.read_bytes()
            if content[:_ALIGNED] == _text(crc32(memoryview(content)[_ALIGNED:])):
                return _decoded(content, self._key)
        return None

    def store(self, tables: Tables) -> None:
        """Store the tables, where the folder can be written."""
        part = self._path.with_name(f"{self._path.name}.part")
        with suppress(OSError):
            try:
                self._path.parent.mkdir(exist_ok=True)
                # It need not survive a power cut: the checksum says whether it did.
                with part.open("wb") as file:
                    _write(file, tables, self._key)
                part.replace(self._path)
            finally:
                part.unlink(missing_ok=True)


def key_of(folder: Path, source: LeRobotSource, lines: str, written: Collection[Key]) -> str:
    """Return what the index of a result depends on, as a hash.

    That is the hash of its `lines`, the state of the other files in its folder and in the dataset, the dialogues that
    are `written`, and this version of pgen.
    """
    code = (path for package in _CODE for path in sorted(package.rglob("*.py")))
    folders = dict.fromkeys((folder.resolve(), source.folder.resolve()))
    files = (path for place in folders for path in _files(place))
    phases = [source.options.phases] if source.options.phases else []
    states = [_state(path) for path in (*code, *files, *phases)]
    content = pgen.__version__, platform.python_version(), lines, sorted(written), states
    return sha256(json.dumps(content).encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a result or a dataset, its pictures excepted."""
    for name in walk(folder):
        if Path(name).suffix not in VIDEOS and not name.startswith("images/"):
            yield folder / name


def _state(path: Path) -> tuple[str, list[int]]:
    """Return the name of a file with what changes when its content does; nothing for a link to no file."""
    with suppress(OSError):
        status = path.stat()
        return path.name, [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]
    return path.name, []


def _write(file: BinaryIO, tables: Tables, key: str) -> None:
    """Write a checksum, the length of the description, the description, and the arrays."""
    texts: dict[str, list[str]] = {}
    arrays: dict[str, NDArray[Any]] = {}
    for table in (tables.samples, tables.episodes):
        for field in fields(table):
            value = getattr(table, field.name)
            if isinstance(value, Ragged):
                arrays |= {field.name: value.values, f"{field.name} end": value.ends}
            elif isinstance(value, list):
                texts[field.name] = value
            else:
                arrays[field.name] = value
    kinds = [(name, values.dtype.str, len(values)) for name, values in arrays.items()]
    described = json.dumps({"key": key, "spans": tables.spans, "texts": texts, "arrays": kinds}).encode()
    described += b" " * (_padded(len(described)) - len(described))
    checksum = 0
    file.write(bytes(_ALIGNED))
    for part in (len(described).to_bytes(_ALIGNED), described, *map(_bytes, arrays.values())):
        checksum = crc32(part, checksum)
        file.write(part)
    file.seek(0)
    file.write(_text(checksum))


def _decoded(content: bytes, key: str) -> Tables | None:
    start = 2 * _ALIGNED + int.from_bytes(content[_ALIGNED : 2 * _ALIGNED])
    described = json.loads(content[2 * _ALIGNED : start])
    if described["key"] != key:
        return None
    values: dict[str, Any] = dict(described["texts"])
    for name, kind, length in described["arrays"]:
        values[name] = np.frombuffer(content, kind, length, start)
        start += _padded(values[name].nbytes)
    for name in [name for name in values if f"{name} end" in values]:
        values[name] = Ragged(values[name], values[f"{name} end"])
    samples, episodes = ({it.name: values[it.name] for it in fields(cls)} for cls in (SampleTable, EpisodeTable))
    return Tables(SampleTable(**samples), EpisodeTable(**episodes), described["spans"])


def _bytes(values: "NDArray[Any]") -> bytes:
    return values.tobytes() + bytes(_padded(values.nbytes) - values.nbytes)


def _padded(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED


def _text(checksum: int) -> bytes:
    return f"{checksum:08x}".encode()
