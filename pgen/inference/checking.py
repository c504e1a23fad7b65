"""Checks made: of one dialogue as it comes, and of the whole run in the order of its samples.

What depends on other dialogues is decided once all are there, so that it never depends on the order in which
they came. Memory stays the same whatever the number of samples: how often a text came is counted in a sketch,
which may count too much where a run has millions of different texts, never too little.
"""

from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from pgen.components import Check, Context
from pgen.errors import PgenError, PluginError
from pgen.records import Annotation, Failure, Finding

EARLIER = 64
"""Dialogues of an episode that a check can look back on."""

_ROWS, _LEAST, _MOST = 4, 1 << 10, 1 << 20


def examined(annotation: Annotation, checks: Sequence[Check], context: Context) -> Annotation:
    """The annotation with what those of `checks` find that need no other dialogue."""
    found = _findings(annotation, [check for check in checks if not check.whole_run], context)
    return replace(annotation, checks=found) if found else annotation


def told(findings: Sequence[Finding]) -> str:
    """Findings as one reason."""
    return "; ".join(finding.reason for finding in findings)


def failed(annotation: Annotation) -> Annotation:
    """A sample whose dialogue the checks refuse."""
    return replace(annotation, outcome=Failure("check", told(annotation.checks)), checks=())


class Overview:
    """The checks of a whole run of `samples` samples, given its annotations in their order."""

    def __init__(self, checks: Sequence[Check], language: str, samples: int) -> None:
        self.checks = [check for check in checks if check.whole_run]
        self._counts = _Counts(samples)
        self._earlier: deque[Annotation] = deque(maxlen=EARLIER)
        self._context = Context(language, samples, self._earlier, self._counts.add)

    def episode(self) -> None:
        """Another episode begins."""
        self._earlier.clear()

    def examined(self, annotation: Annotation) -> Annotation:
        """The next annotation, with what is found beside what was found before."""
        found = _findings(annotation, self.checks, self._context)
        if annotation.dialogue:
            self._earlier.append(annotation)
        return replace(annotation, checks=annotation.checks + found) if found else annotation


def _findings(annotation: Annotation, checks: Sequence[Check], context: Context) -> tuple[Finding, ...]:
    if annotation.dialogue is None:
        return ()
    found = (_made(check, annotation, context) for check in checks)
    return tuple(finding for finding in found if finding is not None)


def _made(check: Check, annotation: Annotation, context: Context) -> Finding | None:
    try:
        return check.check(annotation, context)
    except PgenError:
        raise
    except Exception as error:
        raise PluginError(f"check {check.name} failed: {type(error).__name__}: {error}") from error


class _Counts:
    """How often texts came: a count-min sketch of at most 16 MB, made when it is first used."""

    def __init__(self, texts: int) -> None:
        self._cells = min(max(_LEAST, 8 * texts), _MOST)
        self._rows: list[array[int]] = []

    def add(self, text: str) -> int:
        """Count the text, and say how often it came so far, this time included."""
        self._rows = self._rows or [array("I", bytes(4 * self._cells)) for _ in range(_ROWS)]
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4 * _ROWS).digest()
        cells = [int.from_bytes(digest[4 * row : 4 * row + 4]) % self._cells for row in range(_ROWS)]
        count = 1 + min(row[cell] for row, cell in zip(self._rows, cells, strict=True))
        for row, cell in zip(self._rows, cells, strict=True):
            row[cell] = max(row[cell], count)
        return count
