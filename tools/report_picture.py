"""Makes the picture of docs/report.md: the report of the demo, as Chromium shows it.

Run by hand where the page has changed; needs Chromium and its driver: python tools/report_picture.py
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from pgen import annotate
from pgen_demo.example import write_example
from pgen_report import page
from pgen_report.report import ReportOptions, report_page
from pgen_report.results import opened

TOP = Path(__file__).parents[1]
WIDTH, HEIGHT = 1120, 2620
COLOURS = 128
"""Of the PNG: the page is flat, and its pictures are small."""


def main() -> None:
    sys.path.insert(0, str(TOP / "tests/plugins/pgen_report"))
    from browser import browser

    with TemporaryDirectory() as folder:
        out = Path(folder) / "my-dataset-dialogue"
        annotate(write_example(Path(folder) / "my-dataset"), out, generator="template")
        with opened(out) as told:
            page.write(out / "report.html", report_page(told, ReportOptions()))
        with browser() as one:
            one.open(out / "report.html")
            one.shot(Path(folder) / "shot.png", WIDTH, HEIGHT)
        with Image.open(Path(folder) / "shot.png") as shot:
            shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(TOP / "docs/report.png", optimize=True)


if __name__ == "__main__":
    main()
