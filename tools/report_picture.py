"""Makes the pictures of docs/report.md and docs/segment.md: the demo's reports, as Chromium shows them.

Run by hand where a page has changed; needs Chromium and its driver: python tools/report_picture.py
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from pgen import annotate
from pgen_demo.example import write_example
from pgen_lerobot.read import LeRobotSource
from pgen_results import page
from pgen_results.read import open_results
from pgen_results.read_segmentation import open_segmentation
from pgen_results.report_page import ReportOptions, report_page
from pgen_results.skills_page import skills_page
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.motion.segmenter import Gripper

TOP = Path(__file__).parents[1]
WIDTH = 1120
DIALOGUE, SKILLS = 2620, 1640
"""Pixels from the page's top that are shown."""
COLOURS = 128
"""Of the PNG: the page is flat, and its pictures are small."""


def dialogue_page(root: Path, out: Path) -> str:
    """The report of `pgen annotate`."""
    annotate(root, out, generator="template")
    with open_results(out) as results:
        return report_page(results, ReportOptions())


def page_of_skills(root: Path, out: Path) -> str:
    """The report of `pgen segment`."""
    source = LeRobotSource(root=root, skills="task", views=0)
    with Job(SegmentOptions(output_dir=out, overwrite=True), source, Gripper()) as job:
        job.execute()
    with open_segmentation(out) as segmentation:
        return skills_page(segmentation, ReportOptions())


def main() -> None:
    sys.path.insert(0, str(TOP / "tests/support"))
    from browser import browser

    with TemporaryDirectory() as place, browser() as one:
        folder = Path(place)
        root = write_example(folder / "my-dataset")
        shown = (
            ("report.png", dialogue_page(root, folder / "my-dataset-dialogue"), DIALOGUE),
            ("skills.png", page_of_skills(root, folder / "my-dataset-skills"), SKILLS),
        )
        for name, text, height in shown:
            page.write(folder / "page.html", text)
            one.open(folder / "page.html")
            one.shot(folder / name, WIDTH, height)
            with Image.open(folder / name) as shot:
                flat = shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                flat.save(TOP / "docs" / name, optimize=True)


if __name__ == "__main__":
    main()
