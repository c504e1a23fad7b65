"""Profile the job of main_job.py: the share of its CPU time of each part, largest first.

Each part is timed in its own threads and without the parts that it calls. The threads of libraries, mostly of the video
decoder, are what the process used beyond Python's own threads.
"""

import builtins
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time, thread_time
from typing import Any

from common.datasets import filmed
from common.measure import cost
from common.table import main
from main_job import pgen

PARTS: dict[str, tuple[str, ...]] = {
    "decoding": ("pgen_lerobot.read.images:LeRobotImages.images",),
    "JPEG": ("pgen.media.images:encode_pixels",),
    "planning": ("pgen.run.planning:Planner.planned",),
    "prompts": ("pgen.inference.prompting:prompt_for",),
    "replies, parsed": ("pgen.inference.parsing:_dialogue",),
    "checks": ("pgen.inference.checking:checked", "pgen.inference.checking:RunChecks.checked"),
    "journal": tuple(
        f"pgen.storage.journal:Journal.{name}" for name in ("__init__", "add", "unanswered", "get_all", "close")
    ),
    "output": ("pgen_lerobot.write.sink:LeRobotSink.write",),
}
"""Functions and generators of pgen by part."""
START, IMPORTS, LIBRARIES = "interpreter", "imports", "decoding, in the decoder's threads"
REST = "asyncio, threads and the rest"


def lines(tiny: bool = False) -> Iterator[str]:
    root = filmed(2, 2) if tiny else filmed(20, 20)
    with TemporaryDirectory(dir=root.parent) as folder:
        spent: Counter[str] = cost(profiled, root, Path(folder)).result
    total = spent.total()
    for part, seconds in spent.most_common():
        yield f"{part:<36}{seconds / total:>7.1%}"
    yield f"{'CPU seconds':<36}{total:>7.2f}"


def profiled(root: Path, out: Path) -> Counter[str]:
    """Run the job and return its CPU seconds by part."""
    clock = _Clock()
    clock.spent[START] = process_time()
    for module in ("pgen.api", "pgen_lerobot.read.images", "pgen_lerobot.write.sink"):
        import_module(module)
    clock.spent[IMPORTS] = process_time() - clock.spent[START]
    for part, names in PARTS.items():
        for name in names:
            _replace(name, lambda original, part=part: clock.timed(part, original))
    builtins.__import__ = clock.timed(IMPORTS, builtins.__import__)
    threading.Thread.run = clock.counted(threading.Thread.run)  # type: ignore[method-assign]  # replaced on purpose: a profile has to see the CPU time of each thread
    pgen(root, out)
    total, spent = process_time(), clock.spent.total()
    clock.spent[LIBRARIES] = total - thread_time() - clock.threads
    clock.spent[REST] = total - spent - clock.spent[LIBRARIES]
    return clock.spent


class _Clock:
    """Seconds of each part in all threads; a part does not count while it calls another one."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self.threads = 0.0
        self._lock = threading.Lock()
        self._local = threading.local()

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            result = self._within(part, work, *arguments, **named)
            return self._steps(part, result) if isinstance(result, Iterator) else result

        return call

    def counted(self, run: Callable[..., None]) -> Callable[..., None]:
        """Return a thread's `run` that adds the thread's CPU time."""

        def call(thread: threading.Thread) -> None:
            try:
                run(thread)
            finally:
                with self._lock:
                    self.threads += thread_time()

        return call

    def _steps(self, part: str, items: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while (item := self._within(part, next, items, end)) is not end:
            yield item

    def _within(self, part: str, work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        parts: list[str] = self._local.__dict__.setdefault("parts", [])
        self._record(parts)
        parts.append(part)
        try:
            return work(*arguments, **named)
        finally:
            self._record(parts)
            parts.pop()

    def _record(self, parts: list[str]) -> None:
        """Add the time since the last call to the innermost part."""
        now = thread_time()
        if parts:
            with self._lock:
                self.spent[parts[-1]] += now - self._local.last
        self._local.last = now


def _replace(target: str, wrap: Callable[[Any], Any]) -> None:
    """Replace the function `module:path` in every module that has a reference to it."""
    module, _, path = target.partition(":")
    owner: Any = sys.modules[module]
    *classes, last = path.split(".")
    for name in classes:
        owner = getattr(owner, name)
    original = getattr(owner, last)
    new = wrap(original)
    setattr(owner, last, new)
    for holder in list(sys.modules.values()) if not classes else ():
        for key, value in list(vars(holder).items()):
            if value is original:
                setattr(holder, key, new)


if __name__ == "__main__":
    main(lines)
