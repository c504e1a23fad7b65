"""Take the screenshots of docs/report.md and docs/segment.md: the demo's reports in Chromium.

Run it by hand after a change of a page; it needs Chromium and its driver: python tools/report_picture.py
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from pgen import annotate
from pgen_demo.example import write_example
from pgen_lerobot.read import LeRobotSource
from pgen_results import page
from pgen_results.read import open_results, open_segmentation
from pgen_results.report_page import ReportOptions, report_page
from pgen_results.skills_page import skills_page
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.motion.segmenter import Gripper

TOP = Path(__file__).parents[1]
WIDTH = 1120
DIALOGUE, SKILLS = 2620, 1640
"""Height of the screenshots in pixels, from the top of the page."""
COLOURS = 128
"""Colours of the PNG; enough, because the page is flat and its thumbnails are small."""


def dialogue_page(root: Path, out: Path) -> str:
    """Return the report of `pgen annotate`."""
    annotate(root, out, generator="template")
    with open_results(out) as results:
        return report_page(results, ReportOptions())


def page_of_skills(root: Path, out: Path) -> str:
    """Return the report of `pgen segment`."""
    source = LeRobotSource(root=root, skills="task", views=0)
    with Job(SegmentOptions(output_dir=out, overwrite=True), source, Gripper()) as job:
        job.execute()
    with open_segmentation(out) as segmentation:
        return skills_page(segmentation, ReportOptions())


def main() -> None:
    sys.path.insert(0, str(TOP / "tests/support"))
    from browser import browser

    with TemporaryDirectory() as temporary, browser() as window:
        folder = Path(temporary)
        root = write_example(folder / "my-dataset")
        pages = (
            ("report.png", dialogue_page(root, folder / "my-dataset-dialogue"), DIALOGUE),
            ("skills.png", page_of_skills(root, folder / "my-dataset-skills"), SKILLS),
        )
        for name, text, height in pages:
            page.write(folder / "page.html", text)
            window.open(folder / "page.html")
            window.screenshot(folder / name, WIDTH, height)
            with Image.open(folder / name) as screenshot:
                flat = screenshot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                flat.save(TOP / "docs" / name, optimize=True)


if __name__ == "__main__":
    main()
