"""The files of a dataset: in a folder, in the lerobot cache, or on the Hub; listed, read, hashed and edited.

Of a dataset on the Hub everything but the videos is downloaded when it is opened, a video when it is decoded,
and the rest before an output that contains it is written. Its listing tells which files the Hub has.

huggingface_hub raises its own errors, those of its HTTP client (requests, httpx or httpx2, depending on its
version) and of hf_xet, ValueError for a malformed address, and RuntimeError or AttributeError where its threads
lose a connection at the same time. So any exception of a call is turned into an InputError.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from pgen.errors import ConfigError, InputError, PgenError
from pgen.safety.bounded_json import check_text, json_lines, read_bounded
from pgen.safety.paths import VIDEOS as VIDEOS

UNDECODED = "surrogateescape"
"""The error handler with which bytes that are no UTF-8 survive reading and writing a text."""
MANIFEST = "meta/pgen/manifest.json"
KEPT_SKILLS = "meta/pgen/skills.json"
"""The spans that a run used, in the form of skills.json, where the dataset's own file has others."""
EDITED = frozenset({"README.md", "meta/lerobot_annotations.json"})
"""Files that users edit: the card and the annotate page's file. The manifest has no hash of them."""
_SKIPPED = frozenset({".cache", ".git"})
_SKIPPED_SUFFIXES = (".lock", ".pgen")
"""Locks, and the work folder of a run, which may lie inside the input."""
TIMEOUT = 10.0
"""Seconds to wait for the Hub's list of files; after that the cache must hold the whole dataset."""
_REPO_ID = re.compile(r"[A-Za-z0-9_.\-]{1,96}(/[A-Za-z0-9_.\-]{1,96})?")
_INDENT = re.compile(r"\{\r?\n( +|\t+)")


def walk(root: Path) -> Iterator[str]:
    """Return the paths of all files below `root`, relative to it, in order; links are followed, caches skipped."""
    yield from _walk(root, PurePosixPath(), frozenset())


def check_readable(root: Path) -> None:
    """Raise InputError for a file that cannot be copied into an output."""
    for name in walk(root):
        if not os.access(root / name, os.R_OK):
            reason = "cannot be read" if (root / name).exists() else "is a link to a file that is missing"
            raise InputError(f"{root / name} {reason}; the output is to hold it.")


def read_text(path: Path) -> str:
    """Read a file with its line ends; pass UNDECODED to `write_text` to write undecodable bytes again."""
    return read_bounded(path).decode("utf-8", UNDECODED)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _walk(root: Path, folder: PurePosixPath, above: frozenset[Path]) -> Iterator[str]:
    real = (root / folder).resolve()
    if real in above:  # a link to a folder that contains it
        return
    with os.scandir(root / folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        if entry.name in _SKIPPED or entry.name.endswith(_SKIPPED_SUFFIXES):
            continue
        if entry.is_dir():
            yield from _walk(root, folder / entry.name, above | {real})
        else:
            yield f"{folder}/{entry.name}" if folder.parts else entry.name


class Files:
    """The files of a dataset that is complete in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def origin(self) -> dict[str, str]:
        """The commit that was downloaded, for the manifest."""
        return {}

    def has(self, name: str) -> bool:
        """Return whether the dataset has a file (relative to the root), downloaded or not."""
        return (self.root / name).is_file()

    def fetch(self, name: str) -> None:
        """Download one file, where the folder lacks it. Raises InputError."""

    def fetch_all(self) -> None:
        """Download every file that the folder lacks. Raises InputError."""


class HubFiles(Files):
    """The files of one commit on the Hub, in the Hugging Face cache as far as they were downloaded."""

    def __init__(self, root: Path, repo_id: str, commit: str, names: frozenset[str]) -> None:
        super().__init__(root)
        self._repo_id, self._commit, self._names = repo_id, commit, names

    @property
    def origin(self) -> dict[str, str]:
        return {"commit": self._commit}

    def has(self, name: str) -> bool:
        return name in self._names

    def fetch(self, name: str) -> None:
        from huggingface_hub import hf_hub_download

        if name in self._names and not (self.root / name).is_file():
            with _reading(self._repo_id):
                hf_hub_download(self._repo_id, name, repo_type="dataset", revision=self._commit)

    def fetch_all(self) -> None:
        if self._complete:
            return
        _snapshot(self._repo_id, self._commit)
        missing = sorted(name for name in self._names if not (self.root / name).is_file())
        if missing:
            raise InputError(f"{missing[0]} of the dataset {self._repo_id} was not fetched; start again.")

    @cached_property
    def _complete(self) -> bool:
        return all((self.root / name).is_file() for name in self._names)


def locate(root: Path | None, repo_id: str | None, revision: str | None) -> Files:
    """Return the dataset's files. Raises ConfigError for missing or malformed options, else InputError."""
    if root is not None:
        return Files(root)
    if repo_id is None:
        raise ConfigError("no dataset is named; give its folder with --root DIR, or its Hub id with --repo-id.")
    if not _REPO_ID.fullmatch(repo_id) or ".." in repo_id:
        raise ConfigError(f"--repo-id {repo_id!r} is no Hub id; it has the form user/name.")
    cached = _lerobot_home() / repo_id
    if revision is None and (cached / "meta" / "info.json").is_file():
        return Files(cached)
    return _on_the_hub(repo_id, revision)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, as a sentence."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip()
    return line if line.endswith((".", "!", "?")) else f"{line}."


def _on_the_hub(repo_id: str, revision: str | None) -> Files:
    folder = _snapshot(repo_id, revision, ignore_patterns=[f"*{suffix}" for suffix in sorted(VIDEOS)])
    from huggingface_hub import HfApi

    try:
        # One request without retries: without a network the cache has the answer, and nobody should wait for it.
        info = HfApi().dataset_info(repo_id, revision=folder.name, timeout=TIMEOUT)
        names = [file.rfilename for file in info.siblings or ()]
    except Exception:  # unreachable or offline: the dataset must be complete in the cache
        names = list(walk(_snapshot(repo_id, folder.name, local_files_only=True)))
    return HubFiles(folder, repo_id, folder.name, frozenset(names))


def _snapshot(repo_id: str, revision: str | None, **options: Any) -> Path:
    with _reading(repo_id):
        from huggingface_hub import snapshot_download

        return Path(snapshot_download(repo_id, repo_type="dataset", revision=revision, **options))


def _reading(repo_id: str) -> AbstractContextManager[None]:
    failed = f"the dataset {repo_id} is neither complete in a cache nor available from the Hub"
    advice = "Name a folder with --root DIR, or check the id, the network, HF_ENDPOINT and HF_TOKEN."
    return hub_errors("--repo-id", failed, advice)


@contextmanager
def hub_errors(option: str, failed: str, advice: str) -> Iterator[None]:
    """Turn any exception of huggingface_hub into a ConfigError about the option, or an InputError."""
    from huggingface_hub.errors import HFValidationError

    try:
        yield
    except PgenError:
        raise
    except HFValidationError as error:
        raise ConfigError(f"{option}: {error}") from None
    except Exception as error:
        raise InputError(f"{failed}: {first_line(error)} {advice}") from None


def _lerobot_home() -> Path:
    """Return lerobot's cache, by its own rule: HF_LEROBOT_HOME, else a folder of the Hugging Face cache."""
    if home := os.environ.get("HF_LEROBOT_HOME"):
        return Path(home).expanduser()
    hub = os.environ.get("HF_HOME") or str(Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    return Path(hub).expanduser() / "lerobot"


def insert_after(neighbour: str, content: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return the content with a key added after its neighbour, or replaced in its place."""
    if key in content or neighbour not in content:
        return {**content, key: value}
    inserted = {}
    for name, item in content.items():
        inserted[name] = item
        if name == neighbour:
            inserted[key] = value
    return inserted


def dump_like(original: str, content: Any) -> str:
    """Return JSON with the indentation, escapes and last line end of the original text."""
    indent = _INDENT.match(original.lstrip())
    ascii_only = original.isascii() and "\\u" in original
    text = json.dumps(content, indent=indent[1] if indent else None, ensure_ascii=ascii_only)
    return text + ("\n" if original.endswith("\n") else "")


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read each object with its line number, from 1; empty lines are ignored. Raises InputError."""
    try:
        for number, line in json_lines(path):
            if not isinstance(line, dict):
                raise InputError(f"{path}, line {number} is no JSON object.")
            yield number, check_text(line, f"{path}, line {number}")
    except FileNotFoundError:
        raise InputError(f"{path} is missing; the dataset is incomplete.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def integer(path: Path, number: int, line: dict[str, Any], key: str) -> int:
    """Return a line's non-negative integer, which may be written as a float. Raises InputError."""
    value: Any = line.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not float(value).is_integer() or value < 0:
        raise InputError(f"{path}, line {number}: {key} must be a whole number from 0 on, found {value!r}.")
    return int(value)
