"""Images as they are sent to a model: JPEG, scaled once, never larger than requested."""

from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import simplejpeg

from pgen.errors import SampleError
from pgen.formats.lfs_pointers import is_pointer
from pgen.records import Image
from pgen.safety.paths import special

if TYPE_CHECKING:
    import PIL.Image
    from numpy.typing import NDArray

QUALITY = 90

MAX_PIXELS = 64_000_000
"""Pixels of an image that is decoded: more than any robot's camera has, and 192 MB in memory."""


def check_size(width: int, height: int) -> None:
    """Raise ValueError for an image that is too large to be decoded, however small its file is."""
    if width * height > MAX_PIXELS:
        raise ValueError(f"it has {width} x {height} pixels, and {MAX_PIXELS:,} are the most that is decoded")


def fitted(width: int, height: int, max_pixels: int) -> tuple[int, int]:
    """Return the size of the same shape with at most `max_pixels` pixels; never larger than before."""
    if width * height <= max_pixels:
        return width, height
    scale = sqrt(max_pixels / (width * height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def read_file(path: Path, name: str, camera: str, max_pixels: int) -> Image:
    """Read the image in a file, which messages call `name`. Raises SampleError for one that does not open."""
    import PIL.Image

    if kind := special(path):
        raise SampleError("decode", f"{name} is {kind}, not a file")
    try:
        with PIL.Image.open(path) as picture:
            return encode(picture, camera, max_pixels)
    except FileNotFoundError:
        raise SampleError("decode", f"{name} is missing") from None
    except Exception as error:  # a decoder of PIL may raise anything
        if is_pointer(path):
            raise SampleError("decode", f"{name} is a Git LFS pointer; fetch the file with `git lfs pull`") from None
        raise SampleError("decode", f"{name} does not open: {error}") from None


def encode(picture: "PIL.Image.Image", camera: str, max_pixels: int) -> Image:
    """Encode a PIL image of any mode as JPEG of at most `max_pixels`. Raises ValueError for one that is too large."""
    check_size(picture.width, picture.height)
    size = fitted(picture.width, picture.height, max_pixels)
    rgb = picture if picture.mode == "RGB" else picture.convert("RGB")
    if size != rgb.size:
        rgb = rgb.resize(size)
    return encode_pixels(np.asarray(rgb), camera)


def encode_pixels(pixels: "NDArray[np.uint8]", camera: str) -> Image:
    """Encode pixels of the shape (height, width, 3), RGB, as JPEG of their size. Releases the GIL, unlike Pillow."""
    jpeg = simplejpeg.encode_jpeg(pixels, QUALITY, "RGB", "420")
    return Image(camera, jpeg, pixels.shape[1], pixels.shape[0])
