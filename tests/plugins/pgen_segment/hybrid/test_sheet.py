"""The contact sheet of `hybrid`: its cameras, its frames, and its numbers."""

from io import BytesIO

import numpy as np
import PIL.Image
import pytest
from PIL import ImageDraw

from pgen.media import contact_sheet, encode
from pgen.records import Clip
from pgen_segment.hybrid.sheet import cropped, useful

SIZE = (96, 72)


def frame(camera, place, colour=(200, 60, 60), ground=(90, 90, 90)):
    picture = PIL.Image.new("RGB", SIZE, ground)
    ImageDraw.Draw(picture).rectangle((place, 20, place + 20, 50), fill=colour)
    return encode(picture, camera, SIZE[0] * SIZE[1])


def clip(camera, places, **colours):
    frames = tuple(frame(camera, place, **colours) for place in places)
    return Clip(camera, frames, tuple(float(i) for i in range(len(frames))))


def pixels(image):
    with PIL.Image.open(BytesIO(image.jpeg)) as picture:
        return np.asarray(picture.convert("RGB"))


def test_the_cameras_in_which_most_changes_are_shown_in_their_order():
    slow, still = clip("slow", (10, 12, 14)), clip("still", (10, 10, 10))
    fast = clip("fast", (0, 30, 60))
    dark = clip("dark", (0, 30, 60), colour=(9, 9, 9), ground=(0, 0, 0))
    clips = [slow, still, fast, dark]
    assert [it.camera for it in useful(clips, 3)] == ["slow", "fast"]
    assert [it.camera for it in useful(clips, 1)] == ["fast"]
    assert [it.camera for it in useful([still, dark], 2)] == ["still", "dark"]


def test_black_bars_are_cut_off():
    picture = PIL.Image.new("RGB", SIZE, "black")
    ImageDraw.Draw(picture).rectangle((0, 16, 95, 55), fill=(120, 120, 120))
    barred = Clip("top", (encode(picture, "top", SIZE[0] * SIZE[1]),) * 2, (0.0, 1.0))
    assert cropped(barred).frames[0].width == SIZE[0]
    assert cropped(barred).frames[0].height == pytest.approx(40, abs=2)
    whole = clip("top", (0, 30))
    assert cropped(whole) is whole


def test_numbers_are_on_yellow_and_times_on_black():
    shown = clip("top", (0, 30, 60))
    sheet = contact_sheet("top", shown.frames, ["0.0 s", "0.5 s", "1.0 s"], {1: "7"}, 3 * SIZE[0] * SIZE[1] * 2)
    colours = pixels(sheet).astype(int)
    yellow = (colours[:, :, 0] > 200) & (colours[:, :, 1] > 200) & (colours[:, :, 2] < 120)
    columns = np.flatnonzero(yellow.any(axis=0))
    tile = sheet.width // 2
    assert len(columns) > 5
    assert set(columns // tile) == {1}


def test_a_sheet_has_at_most_so_many_pixels():
    shown = clip("top", range(0, 60, 4))
    labels = [str(place) for place in range(15)]
    for most in (5000, 20000, 10**6):
        sheet = contact_sheet("top", shown.frames, labels, {}, most)
        assert sheet.width * sheet.height <= most
