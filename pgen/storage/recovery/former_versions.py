"""Answers that were taken over from a journal of a former format, and keep the keys of that format."""

import sqlite3
from collections.abc import Sequence
from itertools import batched

from pgen.records import Sample
from pgen.seeds import sample_key
from pgen.storage.recovery.row_formats import FORMER_KEYS

_AT_ONCE = 500
"""Keys of one query."""


class FormerAnswers:
    """Looks samples up by their former key; costs nothing where a journal has no such answers."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        query = "SELECT 1 FROM samples WHERE episode = ? LIMIT 1"
        self._none = db.execute(query, (FORMER_KEYS,)).fetchone() is None

    def contents(self, samples: Sequence[Sample]) -> dict[Sample, tuple[bool, str]]:
        """Whether each sample that there is was answered, and its content."""
        contents = {}
        for some in batched(() if self._none else samples, _AT_ONCE):
            keys = {sample_key(sample).encode(): sample for sample in some}
            places = ",".join("?" * len(keys))
            query = f"SELECT key, ok, content FROM samples WHERE episode = ? AND key IN ({places})"  # noqa: S608 (places)
            for key, ok, content in self._db.execute(query, (FORMER_KEYS, *keys)):
                contents[keys[key]] = (bool(ok), content)
        return contents
