"""A progress bar on standard error: episodes done, where a model is asked."""

from collections.abc import Callable
from typing import Any, cast

from pgen.components import Step


class EpisodeBar:
    """Starts when the run knows its size; closes in any case."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._bar: Any = None

    def __enter__(self) -> "EpisodeBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def start(self, total: int) -> Callable[[], object]:
        """What to call when an episode is done."""
        from tqdm import tqdm

        self._bar = tqdm(total=total, unit="episode", dynamic_ncols=True, disable=not self._shown)
        return lambda: self._bar.update()

    def phase(self, name: str, total: int) -> Step:
        """A bar of its own, in bytes, for what takes long after the last episode."""
        from tqdm import tqdm

        self.__exit__()
        self._bar = tqdm(total=total, desc=name, unit="B", unit_scale=True, dynamic_ncols=True)
        return cast(Step, self._bar.update)
