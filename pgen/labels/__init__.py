"""Normalize skill spans, and assign a dialogue to each frame."""

from pgen.labels.assign import Stretch, label
from pgen.labels.spans import SLACK, frame_ranges, normalize

__all__ = [
    "SLACK",
    "Stretch",
    "frame_ranges",
    "label",
    "normalize",
]
