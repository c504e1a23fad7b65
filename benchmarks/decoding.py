"""Frames decoded per requested frame, and seconds compared with the better of seeking and one sequential pass.

The files have 120 s at 30 fps in 640x480; a frame is requested each second, and each tenth of a second. All three
contenders convert the requested frames to RGB in the same way.
"""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from common import limits
from common.datasets import filmed
from common.measure import better, cost, ratio, rounds
from common.table import Row, main

FPS = 30
FILES = (("av1", 2), ("h264", 12), ("h264", 250))


def lines(tiny: bool = False) -> Iterator[Row]:
    seconds, times, steps = (2, 1, (10,)) if tiny else (120, 3, (FPS, FPS // 10))
    for codec, gop in FILES:
        path = next((filmed(1, seconds, codec=codec, gop=gop, cameras=1) / "videos").glob("*/*/*.mp4"))
        for every in steps:
            wanted = range(0, seconds * FPS, every)
            works = {"pgen": pgen, "seeking": seeking, "sequential": sequential}
            results = rounds(times, {name: _timed(work, path, wanted) for name, work in works.items()})
            best = better(results["seeking"], results["sequential"])
            others = {name: f"{ratio(results[name], best):.2f}" for name in ("seeking", "sequential")}
            case = f"{codec}, GOP {gop}, a frame each {every / FPS:.1g} s"
            yield Row(f"{case}: seconds, times the better", f"{ratio(results['pgen'], best):.2f}", "1", others)
            decoded = cost(counted, path, wanted).result
            yield Row(f"{case}: frames decoded a frame asked for", f"{decoded:.1f}", "1")


def pgen(path: Path, wanted: range) -> None:
    from pgen_lerobot.read.video import VideoFile

    with VideoFile(path) as video:
        _pictures(video.at(number / FPS, FPS) for number in wanted)


def seeking(path: Path, wanted: range) -> None:
    _pictures(limits.seeking(path, wanted, FPS))


def sequential(path: Path, wanted: range) -> None:
    _pictures(limits.sequential(path, wanted, FPS))


def counted(path: Path, wanted: range) -> float:
    """Return the number of frames that pgen's reader decodes per requested frame."""
    import av

    from pgen_lerobot.read import video

    opened = []

    def opening(name: str) -> Any:
        opened.append(_Counting(av.open(name)))
        return opened[-1]

    video.av = _With(av, opening)
    pgen(path, wanted)
    return sum(container.decoded for container in opened) / len(wanted)


class _With:
    """A module with its `open` replaced."""

    def __init__(self, module: Any, opening: Any) -> None:
        self._module, self.open = module, opening

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class _Counting:
    """A container that counts its decoded frames."""

    def __init__(self, container: Any) -> None:
        self._container = container
        self.decoded = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def decode(self, *arguments: Any) -> Iterator[Any]:
        for frame in self._container.decode(*arguments):
            self.decoded += 1
            yield frame


def _pictures(frames: Iterator[Any]) -> None:
    from pgen_lerobot.read.video import pixels

    for frame in frames:
        pixels(frame, frame.width, frame.height)


def _timed(work: Any, path: Path, wanted: range) -> Any:
    return lambda: cost(_seconds, work, path, wanted).result


def _seconds(work: Any, path: Path, wanted: range) -> float:
    """Return the seconds of the second of two passes; the first one fills caches and imports."""
    work(path, wanted[:2])
    began = perf_counter()
    work(path, wanted)
    return perf_counter() - began


if __name__ == "__main__":
    main(lines)
