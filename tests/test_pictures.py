import pytest
from PIL import Image

from pgen.pictures import MOST_PIXELS, check_size, encode


def test_a_picture_of_more_pixels_than_any_camera_has_is_not_encoded():
    with pytest.raises(ValueError, match="9000 x 8000 pixels"):
        encode(Image.new("1", (9000, 8000)), "front", 1_000_000)


def test_a_picture_of_just_as_many_is():
    check_size(MOST_PIXELS // 1000, 1000)
    with pytest.raises(ValueError, match="are the most"):
        check_size(MOST_PIXELS // 1000 + 1, 1000)


def test_a_picture_is_never_made_larger():
    assert (
        encode(Image.new("L", (32, 24)), "front", 1_000_000).width,
        encode(Image.new("L", (320, 240)), "", 768).width,
    ) == (32, 32)
