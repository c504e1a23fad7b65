"""A service with a Batch API: files are uploaded, batches created and polled, and their responses downloaded.

A batch is created once. Before it is, the store records that it may exist; where its id was lost, by a kill or a lost
connection, the batch is looked up by the token in its metadata.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError
from pgen.safety.redaction import excerpt
from pgen_qwen_openai.batch_store import ENDPOINT, Batch, BatchStore
from pgen_qwen_openai.client import error_of
from pgen_qwen_openai.error_response import error_details
from pgen_qwen_openai.retry import RejectedError, TransientError
from pgen_qwen_openai.transport import Response, Transport

log = logging.getLogger("pgen.qwen_openai")

WINDOW = "24h"
"""The completion window that services offer."""

METADATA = "pgen"
"""The name in a batch's metadata under which it is looked up."""

MAX_PAGES = 100
"""Pages of a list of batches that are searched, of a hundred batches each."""

_ENDED = frozenset({"completed", "expired", "cancelled"})
_FULL = frozenset({"token_limit_exceeded", "rate_limit_exceeded"})
"""Errors of batches that are refused because others are waiting."""


class BatchService:
    """The batches of one store at the service at `url`."""

    def __init__(self, transport: Transport, url: str, store: BatchStore) -> None:
        self._transport, self._url, self._store = transport, url, store
        self._progress: tuple[str, ...] = ()
        self._reported: tuple[str, ...] = ()

    async def advance(self, *, submit: bool) -> int:
        """Do what can be done without waiting, and return how many batches are left; new ones only with `submit`.

        Raises ConfigError where the service refuses a batch. An error that may pass is left to the next poll.
        """
        progress = []
        for batch in self._store.pending():
            try:
                progress.append(await self._advance(batch, submit=submit))
            except RejectedError as error:
                raise ConfigError(f"{self._url}: {error}. Correct generator.base_url.") from None
            except TransientError as error:
                progress.append(f"batch {batch.number}: {error}")
        self._progress = tuple(filter(None, progress))
        return len(self._store.pending())

    def report(self, seconds: float) -> None:
        """Log the progress and the time of the next poll, where the progress has changed."""
        if self._progress != self._reported:
            self._reported = self._progress
            at = datetime.now() + timedelta(seconds=seconds)
            log.warning("%s; next poll at %s, then every %g s.", "; ".join(self._progress), f"{at:%H:%M:%S}", seconds)

    async def _advance(self, batch: Batch, *, submit: bool) -> str:
        if batch.state == "submitting":
            found = await self._look_up(batch)
            batch = replace(batch, state="submitted" if found else "written", id=found)
            self._store.set_state(batch, batch.state, found)
        if batch.state == "written":
            return await self._submit(batch) if submit else ""
        status = await self._get(f"/batches/{batch.id}")
        return await self._receive(batch, status)

    async def _submit(self, batch: Batch) -> str:
        path = self._store.path(batch.number)
        response = await self._transport.upload(f"{self._url}/files", path, {"purpose": "batch"})
        file = self._checked(response, f"the upload of {path.name}")
        self._store.set_state(batch, "submitting")
        fields = {"input_file_id": file.get("id"), "endpoint": ENDPOINT, "completion_window": WINDOW}
        body = json.dumps({**fields, "metadata": {METADATA: batch.token}}).encode()
        # Sent once: after a lost connection the batch may exist, which the next poll finds out.
        response = await self._transport.send(f"{self._url}/batches", body, once=True)
        if response.status in (429, 503):
            self._store.set_state(batch, "written")
        created = self._checked(response, f"the batch of {path.name}")
        self._store.set_state(batch, "submitted", str(created.get("id")))
        return f"batch {batch.number}: submitted with {batch.size} requests as {excerpt(created.get('id'), 80)}"

    async def _receive(self, batch: Batch, status: Mapping[str, Any]) -> str:
        """Store the responses of a batch that has ended; return its progress."""
        name, counts = str(status.get("status")), status.get("request_counts")
        if name == "failed":
            return self._failed(batch, status)
        if name not in _ENDED:
            done = counts.get("completed", 0) if isinstance(counts, dict) else 0
            return f"batch {batch.number}: {name}, {done} of {batch.size} requests"
        files = [str(status[field]) for field in ("output_file_id", "error_file_id") if status.get(field)]
        paths = [await self._download(batch, number, file) for number, file in enumerate(files)]
        received = self._store.receive(batch, _lines(paths))
        for path in (*paths, self._store.path(batch.number)):
            path.unlink(missing_ok=True)
        missing = f"; {batch.size - received} requests have no response" if received < batch.size else ""
        log.info("batch %d: %s, %d responses%s.", batch.number, name, received, missing)
        return ""

    def _failed(self, batch: Batch, status: Mapping[str, Any]) -> str:
        errors = status.get("errors")
        rows = errors.get("data") if isinstance(errors, dict) else None
        details = error_details(rows[0] if isinstance(rows, list) and rows else errors)
        if details.code in _FULL:
            self._store.set_state(batch, "written")
            return f"batch {batch.number}: waits, as the service has no room for more ({details.message})"
        self._store.withdraw(batch)
        raise ConfigError(
            f"{self._url} refused a batch of {batch.size} requests: {details.message or 'it names no reason'}. Correct "
            "that and start the same command again; the other batches are kept."
        )

    async def _download(self, batch: Batch, number: int, file: str) -> Path:
        path = self._store.folder / f"responses-{batch.number:04}-{number}.part"
        self._checked(await self._transport.download(f"{self._url}/files/{file}/content", path), f"the file {file}")
        return path

    async def _look_up(self, batch: Batch) -> str:
        """Return the id of the batch that was created for a file; empty where there is none."""
        after = ""
        for _ in range(MAX_PAGES):
            page = await self._get(f"/batches?limit=100{after}")
            rows = page.get("data")
            rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            for row in rows:
                if (row.get("metadata") or {}).get(METADATA) == batch.token:
                    return str(row.get("id"))
            if not page.get("has_more") or not rows:
                break
            after = f"&after={rows[-1].get('id')}"
        return ""

    async def _get(self, path: str) -> dict[str, Any]:
        return self._checked(await self._transport.send(self._url + path), path)

    def _checked(self, response: Response, what: str) -> dict[str, Any]:
        """Return the JSON object of a response. Raises TransientError, or ConfigError where it is refused."""
        if response.status >= 300:
            details = error_of(response)
            reason = excerpt(f"{self._url} answered {response.status} to {what}: {details.message}", 500)
            transient = response.status in (408, 409, 429) or response.status >= 500
            if transient and not details.exhausted:
                raise TransientError("busy", reason)
            raise ConfigError(f"{reason}. Correct that and start the same command again; no request is sent twice.")
        try:
            value = json.loads(response.body or b"{}")
        except (ValueError, RecursionError):
            raise TransientError("broken", f"{self._url} answered with something else than JSON") from None
        return value if isinstance(value, dict) else {}


def _lines(paths: list[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as file:
            yield from file
