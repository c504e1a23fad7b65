"""Take the screenshots of docs/report.md and docs/segment.md: reports of runs with planted faults, in Chromium.

Run it by hand after a change of a page; it needs Chromium and its driver: python tools/report_picture.py
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faulty_run import write_run
from PIL import Image

from pgen import SampleError
from pgen.components import Segmenter
from pgen_lerobot.read import LeRobotSource
from pgen_results import page
from pgen_results.read import open_results, open_segmentation
from pgen_results.report_page import ReportOptions, report_page
from pgen_results.skills_page import skills_page
from pgen_segment.job import Job, SegmentOptions

TOP = Path(__file__).parents[1]
WIDTH = 1120
DIALOGUE, SKILLS = 2300, 1500
"""Height of the screenshots in pixels, from the top of the page."""
SAMPLES = 240
COLOURS = 256
"""Colours of the PNG; enough, because the page is flat and its thumbnails are small."""


class FailingSegmenter(Segmenter):
    """The skills of the dataset without its gaps, but for the second episode, which fails."""

    name = "faulty"

    def segment(self, recording: Any) -> Any:
        if recording.episode.index == 1:
            raise SampleError("refused", "the model declined to answer")
        return [{"name": skill.name, "start": skill.start, "end": skill.end} for skill in recording.episode.skills]


def dialogue_page(out: Path) -> str:
    """Return the report of a run."""
    with open_results(out) as results:
        return report_page(results, ReportOptions())


def page_of_skills(root: Path, out: Path) -> str:
    """Return the report of a segmentation of the same dataset."""
    source = LeRobotSource(root=root, views=0)
    with Job(SegmentOptions(output_dir=out, overwrite=True, max_failures=1.0), source, FailingSegmenter()) as job:
        list(job.execute())
    with open_segmentation(out) as segmentation:
        return skills_page(segmentation, ReportOptions())


def main() -> None:
    sys.path.insert(0, str(TOP / "tests/support"))
    from browser import browser

    with TemporaryDirectory() as temporary, browser() as window:
        folder = Path(temporary)
        out = write_run(folder / "run", SAMPLES).rename(folder / "my-dataset-dialogue")
        pages = (
            ("report.png", dialogue_page(out), DIALOGUE),
            ("skills.png", page_of_skills(folder / "run/data", folder / "my-dataset-skills"), SKILLS),
        )
        for name, text, height in pages:
            page.write(folder / "page.html", text)
            window.resize(WIDTH, height)
            window.open(folder / "page.html")
            window.screenshot(folder / name, WIDTH, height)
            with Image.open(folder / name) as screenshot:
                flat = screenshot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                flat.save(TOP / "docs" / name, optimize=True)


if __name__ == "__main__":
    main()
