"""Which lines and spans a review belongs to, and whether the dataset holds its events.

A review is never applied to other lines or spans. Hashes of these are in its journal, and those that a write made are
in the dataset's manifest too. That of the manifest's labels does not count: `pgen repair` updates it after any change.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from pgen.errors import ConfigError
from pgen.formats.syn_annotations import FILE
from pgen.storage.workspace import Workspace
from pgen_review.event_file import Contents, Header
from pgen_review.events import Event
from pgen_review.places import SKILLS, reviewed_file

NAME = "review.sqlite"
"""The file with the journal of a review."""


def checked(header: Header | None, folder: Path, present: Contents, manifest: Mapping[str, Any]) -> Header | None:
    """Return the header with the present hashes. Raises ConfigError where it belongs to other lines or spans."""
    if header is None or belongs(header, present, manifest):
        return header and replace(header, **present._asdict())
    is_held = header.journal == review_of(manifest)
    stored, path = _written(manifest) if is_held else header.contents, reviewed_file(folder)
    names = [path.name] if path and stored.result != present.result else []
    names += [SKILLS.rpartition("/")[2]] if stored.spans not in ("", present.spans) else []
    what = "dialogues" if FILE in names else "spans"
    raise ConfigError(
        f"{Workspace(folder).work / NAME} is the review of other {what} than {folder} has now: "
        f"{' and '.join(names)} changed after the review {'was written' if is_held else 'began'}; restore what it had, "
        f"or carry the review over: `pgen review {folder} --rebase`."
    )


def belongs(header: Header, present: Contents, manifest: Mapping[str, Any]) -> bool:
    """Return whether a review is about the present contents: those of its journal, or those that it wrote last.

    A process that was killed after the write and before its journal said so leaves the latter.
    """
    if _fits(header.contents, present):
        return True
    return header.journal == review_of(manifest) and _fits(_written(manifest), present)


def _fits(stored: Contents, present: Contents) -> bool:
    return stored.result == present.result and stored.spans in ("", present.spans)


def _written(manifest: Mapping[str, Any]) -> Contents:
    """Return what a review wrote; the hash of the manifest's labels, where a former version of pgen did it."""
    reviews = manifest["reviews"]
    if "lines" in reviews:
        return Contents(reviews["lines"], reviews["skills"])
    if "labels" in manifest:
        return Contents(manifest["labels"]["files"].get(f"meta/{FILE}", ""))
    return Contents(reviews["skills"])


def begun(present: Contents, manifest: Mapping[str, Any], applied: list[Event]) -> Header:
    """Return the header of a new review, or of the one whose events the dataset holds, which is to be checked."""
    review = review_of(manifest)
    if review and manifest["reviews"]["events"] == len(applied):
        written = _written(manifest)
        return Header(review, written.result, spans=written.spans)
    return Header(uuid4().hex, present.result, spans=present.spans)


def held(manifest: Mapping[str, Any], header: Header | None) -> int:
    """Return the number of the last event of a review that its dataset holds."""
    return int(manifest["reviews"]["events"]) if header and header.journal == review_of(manifest) else 0


def review_of(manifest: Mapping[str, Any]) -> str | None:
    """Return the id of the review whose events a dataset holds."""
    reviews = manifest.get("reviews")
    return reviews["journal"] if isinstance(reviews, dict) else None
