"""The size of a report of 2,000 samples with images that JPEG cannot compress, and the time to open it in Chromium."""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import PIL.Image

from pgen import annotate
from pgen.components import ImageReader
from pgen.media import encode
from pgen.records import Image, Sample
from pgen.testing import FakeGenerator, FakeSource, make_episode
from pgen_results.report_page import ReportSink

HELPERS = Path(__file__).parents[1] / "tests/support"
EPISODES, SKILLS = 100, 20
OPENED = 5
"""How often the page is opened; the slowest time counts."""


class Noise(ImageReader):
    """Images that JPEG cannot compress."""

    def images(self, sample: Sample) -> tuple[Image, ...]:
        return (encode(PIL.Image.effect_noise((320, 240), 80), sample.moment.cameras[0], 208 * 156),)


class Noisy(FakeSource):
    def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
        return nullcontext(Noise())


def lines(tiny: bool = False) -> Iterator[str]:
    episodes = 2 if tiny else EPISODES
    spans = [(f"skill {number}", float(number), float(number + 1)) for number in range(SKILLS)]
    source = Noisy(*(make_episode(*spans, index=index) for index in range(episodes)))
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        annotate(source, out, generator=FakeGenerator(concurrency=64), prompt="seed", sink=ReportSink())
        page = out / "report.html"
        yield f"{episodes * SKILLS:,} samples: {page.stat().st_size / 1e6:.1f} MB"
        yield _opened(page)


def _opened(page: Path) -> str:
    sys.path.insert(0, str(HELPERS))
    try:
        import browser
    except ImportError:
        return "not opened: selenium is not installed"
    if missing := browser.missing():
        return f"not opened: no {' and no '.join(missing)} here"
    with browser.browser() as window:
        slowest = max(window.open(page) for _ in range(OPENED))
        elements = window.run("document.querySelectorAll('*').length")
    return f"opened and laid out in {slowest:.2f} s at most of {OPENED} times; {elements:,} elements"


if __name__ == "__main__":
    for line in lines():
        print(line)
