"""Images and clips as they are sent to a model."""

from pgen.media.clips import SampleImages, contact_sheet, grid, read_clips, read_sample, sheet, sheet_size, with_clip
from pgen.media.images import check_size, encode, encode_pixels, fitted, read_file

__all__ = [
    "SampleImages",
    "check_size",
    "contact_sheet",
    "encode",
    "encode_pixels",
    "fitted",
    "grid",
    "read_clips",
    "read_file",
    "read_sample",
    "sheet",
    "sheet_size",
    "with_clip",
]
