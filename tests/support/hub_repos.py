"""What the stand-in of the Hub holds: repositories with their commits, LFS objects, refs and tags, in memory."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN = "hf_" + "loopback" * 4
LARGE = (".parquet", ".mp4", ".png", ".bin")
"""Endings that the Hub keeps in LFS."""


@dataclass
class Repo:
    """A repository: its commits, each a whole tree of contents by path, and the names that point at them."""

    private: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def commit(self, tree: dict[str, bytes]) -> str:
        told = [f"{len(self.commits)}", *(f"{path} {sha256(tree[path])}" for path in sorted(tree))]
        sha = hashlib.sha1("\n".join(told).encode()).hexdigest()
        self.commits[sha] = tree
        self.refs["main"] = sha
        return sha

    def resolve(self, revision: str) -> str | None:
        return self.refs.get(revision) or self.tags.get(revision) or (revision if revision in self.commits else None)

    def tree(self, revision: str = "main") -> dict[str, bytes]:
        return self.commits[self.resolve(revision) or ""]


class Hub:
    """What the server holds."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.repos: dict[str, Repo] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.cut: Callable[[str, str], bool] = lambda method, path: False
        self.break_off: Callable[[str, str], bool] = lambda method, path: False
        self.lock = threading.RLock()

    def add(self, repo_id: str, folder: Path, private: bool = False) -> Repo:
        """A repository that holds the files of a folder."""
        repo = self.repos[repo_id] = Repo(private)
        found = (path for path in sorted(folder.rglob("*")) if path.is_file())
        repo.commit({path.relative_to(folder).as_posix(): path.read_bytes() for path in found})
        return repo

    def fetched(self) -> list[str]:
        """The files that were read, each as often as it was."""
        return [path.split("/", 6)[6] for method, path in self.requests if method == "GET" and "/resolve/" in path]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(path: str) -> bool:
    return path.endswith(LARGE)


def oid(path: str, content: bytes) -> str:
    return sha256(content) if is_large(path) else git_oid(content)


def named(refs: dict[str, str], kind: str) -> list[dict[str, str]]:
    return [{"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": sha} for name, sha in refs.items()]


def listed(path: str, content: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": git_oid(content)}
    if is_large(path):
        told["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 130}
    return told
