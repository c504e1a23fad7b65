"""Take the screenshot of docs/review.md: a session of `pgen review` on a run with planted faults, in Chromium.

Run it by hand after a change of the page; it needs Chromium and its driver: python tools/review_picture.py
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from faulty_run import write_run
from PIL import Image

TOP = Path(__file__).parents[1]
WIDTH, HEIGHT = 1440, 900
SAMPLES = 240
COLOURS = 256
"""Colours of the PNG."""
SHOWN = "[...document.querySelectorAll('.camera')].every((figure) => figure.dataset.frame)"
TYPED = " Put it in gently."


def main() -> None:
    sys.path.insert(0, str(TOP / "tests/support"))
    from browser import browser
    from review_helpers import served

    with TemporaryDirectory() as temporary, browser() as window:
        folder = write_run(Path(temporary) / "run", SAMPLES).rename(Path(temporary) / "my-dataset-dialogue")
        with served(folder, "--as", "Ada") as server:
            window.offline(False)
            window.resize(WIDTH, HEIGHT)
            window.driver.get(server.address)
            window.until("!document.getElementById('editor').hidden")
            for key in "aaf":
                window.press(key)
            window.press("r", "3", "e", TYPED)
            window.until("document.getElementById('unsaved').textContent === 'unsaved 0'")
            window.until(SHOWN)
            window.screenshot(Path(temporary) / "page.png", WIDTH, HEIGHT)
            window.driver.get("about:blank")
        with Image.open(Path(temporary) / "page.png") as screenshot:
            flat = screenshot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
            flat.save(TOP / "docs/review.png", optimize=True)


if __name__ == "__main__":
    main()
