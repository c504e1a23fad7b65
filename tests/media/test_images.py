import sys
import threading
import time
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pgen.media.images import MAX_PIXELS, check_size, encode, encode_pixels


def test_a_picture_of_more_pixels_than_any_camera_has_is_not_encoded():
    with pytest.raises(ValueError, match="9000 x 8000 pixels"):
        encode(Image.new("1", (9000, 8000)), "front", 1_000_000)


def test_a_picture_of_just_as_many_is():
    check_size(MAX_PIXELS // 1000, 1000)
    with pytest.raises(ValueError, match="are the most"):
        check_size(MAX_PIXELS // 1000 + 1, 1000)


def test_a_picture_is_never_made_larger():
    assert (
        encode(Image.new("L", (32, 24)), "front", 1_000_000).width,
        encode(Image.new("L", (320, 240)), "", 768).width,
    ) == (32, 32)


def test_other_threads_go_on_while_a_picture_is_encoded():
    """As no thread has to give way here, another one runs only where it is let: the whole time, not now and then."""
    picture, turns, over = Image.effect_noise((3000, 3000), 90).convert("RGB"), [0], threading.Event()

    def take_turns():
        while not over.is_set():
            turns[0] += 1
            time.sleep(0)

    other, interval = threading.Thread(target=take_turns), sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        other.start()
        pixels = np.asarray(picture)
        before = turns[0]
        encode_pixels(pixels, "front")
        assert turns[0] - before > 200
    finally:
        sys.setswitchinterval(interval)
        over.set()
        other.join()


def test_pixels_that_are_a_part_of_wider_lines_are_encoded_as_they_are():
    """As those of a video's frame, whose lines end in padding."""
    lines = np.asarray(Image.effect_noise((70, 48), 90).convert("RGB"))
    shown = encode_pixels(lines[:, :64], "front")
    assert shown == encode_pixels(lines[:, :64].copy(), "front")
    with Image.open(BytesIO(shown.jpeg)) as picture:
        off = np.abs(np.asarray(picture).astype(int) - lines[:, :64])
    assert (shown.width, shown.height) == picture.size == (64, 48)
    assert off.mean() < 8
