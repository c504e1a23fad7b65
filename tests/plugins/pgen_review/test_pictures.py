"""The pictures that the server decodes."""

from io import BytesIO

import PIL.Image
import pytest
from review_helpers import CAMERAS

from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout
from pgen_lerobot.read import LeRobotSource
from pgen_review.pictures import Pictures


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    image = PIL.Image.new("RGB", (1600, 1200))
    recording = Recording(length=2, draw=lambda camera, frame: image, task="move the cup")
    root = write_dataset(tmp_path_factory.mktemp("large") / "data", [recording], Layout(fps=10, cameras=CAMERAS[:1]))
    source = LeRobotSource(root=root, skills="task")
    source.open()
    pictures = Pictures(source)
    with pictures.reading():
        yield pictures


@pytest.mark.parametrize("width", [320, 640, 1280])
def test_a_picture_is_about_as_large_as_it_is_shown(pictures, width):
    with PIL.Image.open(BytesIO(pictures.frame(0, 0, 1, width))) as picture:
        assert 0.8 * width < picture.width <= width
        assert 3 * picture.width == pytest.approx(4 * picture.height, abs=4)
