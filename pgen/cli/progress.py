"""A progress bar on standard error: samples per second, failures, and the remaining time."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pgen.components import Step


class ProgressBar:
    """A bar for the samples of a run, or other units, then one for each long phase after them."""

    def __init__(self, unit: str = "sample", *, visible: bool = True) -> None:
        self._unit, self._visible, self._failed = unit, visible, 0

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_bar"):
            self._bar.close()

    def start(self, total: int, done: int = 0) -> "Callable[[Any], None]":
        """Show the bar for `total` units, of which an earlier run has `done`; return its callback."""
        from tqdm import tqdm

        self._bar = tqdm(total=total, initial=done, unit=self._unit, dynamic_ncols=True, disable=not self._visible)
        return self._step

    def phase(self, name: str, total: int) -> "Step":
        """Replace the bar by one for a phase, in bytes; return its callback."""
        from tqdm import tqdm

        self.__exit__()
        self._bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, dynamic_ncols=True)
        return self._bar.update

    def _step(self, result: Any) -> None:
        if getattr(result, "failure", None):
            self._failed += 1
            self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
        self._bar.update()
