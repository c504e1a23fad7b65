"""A Hub on the loopback, as far as huggingface_hub asks one: repositories, commits, LFS, refs and tags.

`served()` starts it for a block. It keeps every request in `requests`, and ends a connection as a network does:
without an answer where `cut` says so, in the middle of the answer where `break_off` does.
"""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from hub_repos import TOKEN, Hub, Repo, is_large, listed, named, oid, sha256

__all__ = ["TOKEN", "Hub", "Repo", "served"]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: Any) -> None:
        """The server says nothing."""

    def do_HEAD(self) -> None:
        self._handle()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD  # noqa: N815

    def _handle(self) -> None:
        path = unquote(urlsplit(self.path).path)
        body = self._body()
        self.hub.requests.append((self.command, path))
        if self.hub.cut(self.command, path):
            self.close_connection = True
            self.connection.close()
            return
        with self.hub.lock:
            self._route(path, body)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _route(self, path: str, body: bytes) -> None:
        parts = path.strip("/").split("/")
        match parts:
            case ["api", "whoami-v2"]:
                self._json({"name": "me", "type": "user", "orgs": []}) if self._known() else self._refuse(401)
            case ["api", "validate-yaml"]:
                self._json({"errors": [], "warnings": []})
            case ["api", "repos", "create"]:
                self._create(json.loads(body))
            case ["lfs", name]:
                self.hub.blobs[sha256(body)] = body
                self._json({}) if sha256(body) == name else self._refuse(400)
            case ["api", "datasets", owner, name, *rest]:
                self._api(f"{owner}/{name}", rest, body)
            case ["datasets", owner, name, "info", "lfs", "objects", "batch"]:
                self._batch(f"{owner}/{name}".removesuffix(".git"), json.loads(body))
            case ["datasets", owner, name, "resolve", revision, *file]:
                self._resolve(f"{owner}/{name}", revision, "/".join(file))
            case _:
                self._refuse(404)

    def _api(self, repo_id: str, rest: list[str], body: bytes) -> None:
        repo = self._repo(repo_id)
        if repo is None:
            return
        if self.command != "GET":
            self._write(repo_id, repo, rest, body) if self._known() else self._refuse(401)
            return
        match rest:
            case [] | ["revision", _]:
                self._info(repo_id, repo, rest[1] if rest else "main")
            case ["tree", revision, *_]:
                self._tree(repo, revision)
            case ["refs"]:
                self._json({"branches": named(repo.refs, "heads"), "tags": named(repo.tags, "tags"), "converts": []})
            case _:
                self._refuse(404)

    def _write(self, repo_id: str, repo: Repo, rest: list[str], body: bytes) -> None:
        match rest:
            case ["preupload", revision]:
                self._preupload(repo, revision, json.loads(body))
            case ["commit", _]:
                self._commit(repo_id, repo, body)
            case ["tag", name] if self.command == "DELETE":
                self._json({}) if repo.tags.pop(name, None) else self._refuse(404, "RevisionNotFound")
            case ["tag", revision]:
                self._tag(repo, revision, json.loads(body)["tag"])
            case _:
                self._refuse(404)

    def _create(self, told: dict[str, Any]) -> None:
        repo_id = f"{told['organization'] or 'me'}/{told['name']}"
        if not self._known():
            self._refuse(401)
        elif repo_id in self.hub.repos:
            self._json({"url": f"{self.hub.url}/datasets/{repo_id}"}, 409)
        else:
            repo = self.hub.repos[repo_id] = Repo(told.get("private") or told.get("visibility") == "private")
            repo.commit({".gitattributes": b"*.parquet filter=lfs\n"})
            self._json({"url": f"{self.hub.url}/datasets/{repo_id}", "name": repo_id})

    def _info(self, repo_id: str, repo: Repo, revision: str) -> None:
        sha = repo.resolve(revision)
        if sha is None:
            self._refuse(404, "RevisionNotFound")
            return
        files = [{"rfilename": path} for path in repo.commits[sha]]
        told = {"_id": repo_id, "id": repo_id, "private": repo.private, "tags": [], "downloads": 0, "likes": 0}
        self._json({**told, "sha": sha, "siblings": files})

    def _tree(self, repo: Repo, revision: str) -> None:
        sha = repo.resolve(revision)
        if sha is None:
            self._refuse(404, "RevisionNotFound")
            return
        self._json([listed(path, content) for path, content in repo.commits[sha].items()])

    def _preupload(self, repo: Repo, revision: str, told: dict[str, Any]) -> None:
        tree = repo.tree(revision)
        files = []
        for file in told["files"]:
            path = file["path"]
            known = oid(path, tree[path]) if path in tree else None
            mode = "lfs" if is_large(path) else "regular"
            files.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": known})
        self._json({"files": files})

    def _batch(self, repo_id: str, told: dict[str, Any]) -> None:
        if not self._known():
            self._refuse(401)
            return
        objects = []
        for wanted in told["objects"]:
            answer = {"oid": wanted["oid"], "size": wanted["size"]}
            if wanted["oid"] not in self.hub.blobs:
                answer["actions"] = {"upload": {"href": f"{self.hub.url}/lfs/{wanted['oid']}", "header": {}}}
            objects.append(answer)
        self._json({"transfer": "basic", "objects": objects, "hash_algo": "sha256"})

    def _commit(self, repo_id: str, repo: Repo, body: bytes) -> None:
        tree = dict(repo.tree())
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            match line["key"]:
                case "file":
                    tree[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    if value["oid"] not in self.hub.blobs:
                        self._refuse(400)
                        return
                    tree[value["path"]] = self.hub.blobs[value["oid"]]
                case "deletedFile":
                    del tree[value["path"]]
        sha = repo.commit(tree)
        url = f"{self.hub.url}/datasets/{repo_id}/commit/{sha}"
        self._json({"success": True, "commitOid": sha, "commitUrl": url, "hookOutput": ""})

    def _tag(self, repo: Repo, revision: str, tag: str) -> None:
        sha = repo.resolve(revision)
        if sha is None or tag in repo.tags:
            self._refuse(404 if sha is None else 409)
            return
        repo.tags[tag] = sha
        self._json({})

    def _resolve(self, repo_id: str, revision: str, path: str) -> None:
        repo = self._repo(repo_id)
        if repo is None:
            return
        sha = repo.resolve(revision)
        if sha is None or path not in repo.commits[sha]:
            self._refuse(404, "RevisionNotFound" if sha is None else "EntryNotFound")
            return
        content = repo.commits[sha][path]
        headers = {"ETag": f'"{oid(path, content)}"', "X-Repo-Commit": sha, "Content-Type": "application/octet-stream"}
        self._send(200, content, headers)

    def _repo(self, repo_id: str) -> Repo | None:
        repo = self.hub.repos.get(repo_id)
        if repo is None or (repo.private and not self._known()):
            self._refuse(404 if self._known() else 401, "RepoNotFound")
            return None
        return repo

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _refuse(self, status: int, code: str = "") -> None:
        self._send(status, json.dumps({"error": code or "no"}).encode(), {"X-Error-Code": code} if code else {})

    def _json(self, content: Any, status: int = 200) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self._write_body(content)

    def _write_body(self, content: bytes) -> None:
        if self.hub.break_off(self.command, unquote(urlsplit(self.path).path)):
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(content)


@contextmanager
def served() -> Iterator[Hub]:
    """A Hub on a free port of the loopback, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub = Hub(f"http://127.0.0.1:{server.server_address[1]}")
    server.RequestHandlerClass = type("HandlerOfOne", (Handler,), {"hub": hub})
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
