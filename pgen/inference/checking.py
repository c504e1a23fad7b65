"""Run the checks: of one dialogue as it is parsed, and of the whole run in the order of its samples.

Checks that compare dialogues run once all dialogues are there, so that they do not depend on the order of the replies.
Their memory is bounded: repeated texts are counted in a sketch, which may count too much where a run has millions of
different texts, never too little.
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
"""Earlier dialogues of an episode that a check can compare with."""

_ROWS, _MIN_CELLS, _MAX_CELLS = 4, 1 << 10, 1 << 20


def checked(annotation: Annotation, checks: Sequence[Check], context: Context) -> Annotation:
    """Return the annotation with the findings of those of `checks` that need no other dialogue."""
    findings = _findings(annotation, [check for check in checks if not check.whole_run], context)
    return replace(annotation, checks=findings) if findings else annotation


def join_reasons(findings: Sequence[Finding]) -> str:
    """Join the findings' reasons into one message."""
    return "; ".join(finding.reason for finding in findings)


def as_failure(annotation: Annotation) -> Annotation:
    """Return the annotation as one that failed because of its findings."""
    return replace(annotation, outcome=Failure("check", join_reasons(annotation.checks)), checks=())


class RunChecks:
    """The checks of a whole run of `samples` samples, which are given its annotations in order."""

    def __init__(self, checks: Sequence[Check], language: str, samples: int) -> None:
        self.checks = [check for check in checks if check.whole_run]
        self.findings = 0
        """How many findings there were so far."""
        self._counts = _CountMinSketch(samples)
        self._earlier: deque[Annotation] = deque(maxlen=EARLIER)
        self._context = Context(language, samples, self._earlier, self._counts.add)

    def start_episode(self) -> None:
        """Forget the dialogues of the episode before."""
        self._earlier.clear()

    def checked(self, annotation: Annotation) -> Annotation:
        """Return the next annotation, with further findings beside those that it has."""
        findings = _findings(annotation, self.checks, self._context)
        self.findings += len(findings)
        if annotation.dialogue:
            self._earlier.append(annotation)
        return replace(annotation, checks=annotation.checks + findings) if findings else annotation


def _findings(annotation: Annotation, checks: Sequence[Check], context: Context) -> tuple[Finding, ...]:
    if annotation.dialogue is None:
        return ()
    findings = (_finding(check, annotation, context) for check in checks)
    return tuple(finding for finding in findings if finding is not None)


def _finding(check: Check, annotation: Annotation, context: Context) -> Finding | None:
    try:
        return check.check(annotation, context)
    except PgenError:
        raise
    except Exception as error:
        raise PluginError(f"check {check.name} failed: {type(error).__name__}: {error}") from error


class _CountMinSketch:
    """How often texts occurred, in at most 16 MB that are allocated on first use."""

    def __init__(self, texts: int) -> None:
        self._cells = min(max(_MIN_CELLS, 8 * texts), _MAX_CELLS)
        self._rows: list[array[int]] = []

    def add(self, text: str) -> int:
        """Count the text, and return how often it occurred so far, this time included."""
        self._rows = self._rows or [array("I", bytes(4 * self._cells)) for _ in range(_ROWS)]
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4 * _ROWS).digest()
        cells = [int.from_bytes(digest[4 * row : 4 * row + 4]) % self._cells for row in range(_ROWS)]
        count = 1 + min(row[cell] for row, cell in zip(self._rows, cells, strict=True))
        for row, cell in zip(self._rows, cells, strict=True):
            row[cell] = max(row[cell], count)
        return count
