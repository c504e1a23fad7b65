"""Which samples have an answer, held in some 30 bytes each: a run asks that of every sample that it plans.

SQLite takes five times as long to find a key among a million.
"""

from collections import defaultdict
from collections.abc import Iterable


class Answered:
    """A set of samples' keys. Not for several threads at once.

    A key could be found where it is none, across two others: that is as likely as two samples of one key.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        self._rests: defaultdict[str, bytearray] = defaultdict(bytearray)
        """Keys in a row, each without its first four digits, by these."""
        rests, rest = self._rests, bytes.fromhex
        for key in keys:
            rests[key[:4]] += rest(key[4:])

    def __contains__(self, key: str) -> bool:
        rests = self._rests.get(key[:4])
        return rests is not None and bytes.fromhex(key[4:]) in rests

    def __bool__(self) -> bool:
        return any(self._rests.values())

    def note(self, key: str, answered: int) -> None:
        """It has an answer now, or none any more."""
        rests, rest = self._rests[key[:4]], bytes.fromhex(key[4:])
        start = rests.find(rest)
        if start >= 0 and not answered:
            del rests[start : start + len(rest)]
        elif start < 0 and answered:
            rests += rest
