"""Exported journals: the events of one person as a file, for others who review copies of the same result."""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from pgen.errors import ConfigError
from pgen_review import event_file
from pgen_review.event_file import Header
from pgen_review.events import Key
from pgen_review.fold import Fold
from pgen_review.results import Review
from pgen_review.spans import spans_of

_TEXTS = ("user_prompt", "robot_utterance", "scenario_type", "response_type")


@dataclass(frozen=True, slots=True)
class Exported:
    """An exported journal: what it was read from, the hash of the dialogues that it is about, and its events."""

    path: Path
    dialogues: str
    fold: Fold


def export(review: Review, header: Header, fold: Fold, path: Path) -> None:
    """Write the events of a review to a file. Raises ConfigError where another file is there."""
    if path.exists() and event_file.read(path)[0] is None:
        raise ConfigError(f"{path} is there, and is no journal of a review; choose another file.")
    if not path.parent.is_dir():
        raise ConfigError(f"{path.parent} is no folder; create it, or choose another file.")
    event_file.write(path, replace(header, result=hash_of(review)), fold.events)


def read_exported(path: Path) -> Exported:
    """Return an exported journal. Raises ConfigError where the file is none, or is damaged."""
    if not path.is_file():
        raise ConfigError(f"{path} does not exist; --export-journal writes it.")
    header, events = event_file.read(path)
    if header is None:
        raise ConfigError(f"{path} is no journal of a review; --export-journal writes one.")
    with path.open("rb") as file:
        lines = sum(1 for _ in file)
    if [event.n for event in events] == list(range(1, lines)):
        with suppress(KeyError, ValueError, TypeError):
            fold = Fold(events)
            _ = list(map(fold.outcome, fold.keys()))
            return Exported(path, header.result, fold)
    raise ConfigError(f"{path} is damaged; export it again.")


def hash_of(review: Review) -> str:
    """Return the hash of all dialogues as they were before the review, which copies of a result have in common.

    That of a segmentation without dialogue is the hash of its spans.
    """
    total = sha256()
    for stored in review.episodes.values():
        if review.is_segmentation:
            total.update(json.dumps([span.as_json() for span in spans_of(stored.episode)]).encode())
        for line in stored.lines:
            total.update(json.dumps([*Key.of_line(line), *(line[name] for name in _TEXTS)]).encode())
    return total.hexdigest()
