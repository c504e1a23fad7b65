"""Results for the benchmark of `pgen review`: one with many dialogues, and others whose pictures show their frame."""

import sys
from pathlib import Path
from shutil import rmtree
from typing import Any

import PIL.Image

import pgen
from common.datasets import filmed, folder, rows
from pgen import Generator, Reply, Request, Sampler
from pgen.testing import plain_answer
from pgen_samplers.samplers import Interval, Uniform

SUPPORT = Path(__file__).parents[2] / "tests/support"
FPS, PER_EPISODE = 30, 20


class Instant(Generator):
    """Answers immediately."""

    name = "instant"
    concurrency = 64
    several = True

    async def generate(self, request: Request) -> Reply:
        return Reply(plain_answer(request))


def many(episodes: int) -> Path:
    """Return a result without images: episodes of two seconds with 20 dialogues each."""
    length = 2 * FPS
    return _annotated(f"review-{episodes}", rows(episodes, length), Uniform(count=PER_EPISODE))


def many_frames(episodes: int, length: int) -> Path:
    """Return a result without images: long episodes with two dialogues each."""
    return _annotated(f"review-{episodes}x{length}", rows(episodes, length), Uniform(count=2))


def filmed_run(codec: str, gop: int, seconds: int) -> Path:
    """Return a result with three cameras of 640x480, whose pictures show the number of their frame.

    It has two episodes with a dialogue each half second.
    """
    root = filmed(2, seconds, codec=codec, gop=gop, cameras=3, fps=FPS, mark=_mark)
    return _annotated(f"review-marked-{codec}-gop{gop}-{seconds}", root, Interval(interval=0.5))


def numbered(name: str, encoder: tuple[str, dict[str, str]] | None, **layout: Any) -> Path:
    """Return a result whose pictures show the number of their frame, its videos encoded by pgen or by `encoder`."""
    support()
    from review_helpers import annotated, encoded

    target = folder() / f"review-numbered-{name}"
    if not target.exists():
        building = target.with_name(f"{target.name}.building")
        rmtree(building, ignore_errors=True)
        out = annotated(building, **layout)
        if encoder:
            encoded(out, *encoder)
        building.rename(target)
    return target / "cups-annotated"


def _mark(image: PIL.Image.Image, frame: int) -> None:
    """Draw the number of a frame across the middle, where the page's helpers read it."""
    support()
    from review_helpers import barcode

    width, height = image.size
    image.paste(barcode(frame).resize((width, height // 10)), (0, height // 2 - height // 20))


def support() -> None:
    """Make the helpers of the tests importable."""
    if str(SUPPORT) not in sys.path:
        sys.path.append(str(SUPPORT))


def _annotated(name: str, root: Path, sampler: Sampler[Any]) -> Path:
    target = folder() / name
    if not target.exists():
        building = target.with_name(f"{name}.building")
        rmtree(building, ignore_errors=True)
        report = pgen.annotate(root, building, generator=Instant(), sampler=sampler, variants=1, scopes={"step": 1})
        assert not report.failed, report
        building.rename(target)
    return target
