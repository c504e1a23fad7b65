"""CPU time to open a report of 20,000 samples in Chromium, and to filter, search and sort it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import PIL.Image

from common.table import Row, main
from pgen.components import ImageReader
from pgen.media import encode
from pgen.records import Image, Sample
from pgen.testing import FakeSource
from pgen_results import page
from pgen_results.images import LARGE_PIXELS
from pgen_results.read import open_results
from pgen_results.report_page import ReportOptions, report_page

TOP = Path(__file__).parents[1]
SAMPLES, TINY = 20_000, 60
CHANGES = (
    *(f"view.filters.facets.find((facet) => facet.id === '{name}').value = '{value}'" for name, value in (
        ("finding", "any"), ("judge", "low"), ("finding", ""), ("judge", ""), ("scope", "step"), ("episode", "1"),
        ("episode", ""), ("scope", ""), ("type", "other"), ("type", ""), ("state", "failed"), ("state", ""),
    )),
    *(f"view.filters.search.value = '{text}'" for text in ("b", "brick", "brick green", "no such words", "")),
    *(f"view.order.value = '{order}'" for order in ("worst", "time")),
)  # fmt: skip
"""Filters, searches and orders, set one after another."""
APPLIED = "view.apply(true); requestAnimationFrame(() => setTimeout(arguments[0], 0))"
"""Shows the page of a change, up to what is painted of it."""


class Noise(ImageReader):
    """Images that JPEG cannot compress."""

    def images(self, sample: Sample) -> tuple[Image, ...]:
        noise = PIL.Image.effect_noise((640, 480), 80)
        return tuple(encode(noise, camera, LARGE_PIXELS) for camera in sample.moment.cameras)


class Noisy(FakeSource):
    def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
        return nullcontext(Noise())


def lines(tiny: bool = False) -> Iterator[Row | str]:
    sys.path += [str(TOP / "tools"), str(TOP / "tests/support")]
    from faulty_run import write_run

    with TemporaryDirectory() as folder:
        out = write_run(Path(folder), TINY if tiny else SAMPLES)
        with open_results(out) as results:
            text = report_page(replace(results, source=Noisy()), ReportOptions())
        page.write(out / "report.html", text)
        yield from _opened(out / "report.html")


def _opened(path: Path) -> Iterator[Row | str]:
    try:
        import browser
    except ImportError:
        yield "not opened: selenium is not installed"
        return
    if missing := browser.missing():
        yield f"not opened: no {' and no '.join(missing)} here"
        return
    with browser.browser() as window:
        window.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        opened = _cpu_time(window.driver, lambda: window.open(path))
        samples, elements = window.one("#count").text, window.run("document.querySelectorAll('*').length")
        window.until("entries.every((entry) => entry.lower !== undefined)")
        times = [
            _cpu_time(window.driver, partial(window.driver.execute_async_script, f"{change}; {APPLIED}"))
            for change in CHANGES
        ]
    yield f"{samples} samples, {path.stat().st_size / 1e6:.1f} MB, {elements:,} elements"
    yield Row("a report of 20,000 samples: seconds of CPU time to open", f"{opened:.2f}", "2")
    measure = "a report of 20,000 samples: milliseconds of CPU time to filter, search or sort, median and most"
    yield Row(measure, f"{1e3 * median(times):.0f}, {1e3 * max(times):.0f}", "100")


def _cpu_time(driver: Any, work: Callable[[], object]) -> float:
    """Return the CPU seconds that the page's main thread spends on some work, whatever else runs on the machine."""
    before = _task_duration(driver)
    work()
    return _task_duration(driver) - before


def _task_duration(driver: Any) -> float:
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


if __name__ == "__main__":
    main(lines)
