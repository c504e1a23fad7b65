"""Progress on standard error: the phases of a command, each with its rate, failures, and remaining time.

A terminal shows a bar. Elsewhere, as in the log of a batch job, a line is written each half minute and at the end of a
phase.
"""

import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

    from pgen.components import Step

EACH = 30.0
"""Seconds between the lines that are written where no terminal is."""


class ProgressBar:
    """A bar for the units of a command, if it is `visible`, then one for each phase after them.

    `now` is a clock in seconds.
    """

    def __init__(
        self,
        unit: str = "sample",
        name: str = "answering",
        *,
        visible: bool = True,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._unit, self._name, self._visible, self._now = unit, name, visible, now
        self._failed = 0
        self._bar: tqdm[Any] | _Lines | None = None

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        self._bar = None

    def start(self, total: int, done: int = 0) -> "Callable[[Any], None]":
        """Show the bar for `total` units, of which an earlier run has `done`; return its callback."""
        self._begin(self._name, total, self._unit, done, self._visible)
        return self._step

    def phase(self, name: str, total: int | None, unit: str = "B") -> "Step":
        """Replace the bar by that of a phase, whose total may be unknown; return its callback."""
        return self._begin(name, total, unit).update

    def _begin(
        self, name: str, total: int | None, unit: str, done: int = 0, visible: bool = True
    ) -> "tqdm[Any] | _Lines":
        self.__exit__()
        scale = unit == "B"
        shown: dict[str, Any] = {
            "total": total,
            "initial": done,
            "unit": unit if scale else f" {unit}s",
            "unit_scale": scale,
        }
        if visible and sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = tqdm(desc=name, dynamic_ncols=True, **shown)
        else:
            self._bar = _Lines(visible, self._now, prefix=name, **shown)
        return self._bar

    def _step(self, result: Any) -> None:
        assert self._bar is not None
        if getattr(result, "failure", None):
            self._failed += 1
            self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
        self._bar.update(1)


class _Lines:
    """Writes the state of a bar as a line every `EACH` seconds, and when it is closed."""

    def __init__(self, visible: bool, now: Callable[[], float], **shown: Any) -> None:
        self._visible, self._now, self._shown = visible, now, shown
        self._count = shown["initial"]
        self._began = self._written = now()

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        self._shown["postfix"] = text

    def update(self, count: int) -> None:
        self._count += count
        if self._now() - self._written >= EACH:
            self._line()

    def close(self) -> None:
        """Write the last line, unless nothing was done, as where a server does not answer."""
        if self._count > self._shown["initial"]:
            self._line()

    def _line(self) -> None:
        """Write a line, in the form of tqdm without the bar itself."""
        from tqdm import tqdm

        self._written = self._now()
        if self._visible:
            line = tqdm.format_meter(self._count, elapsed=self._written - self._began, ncols=0, **self._shown)
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
