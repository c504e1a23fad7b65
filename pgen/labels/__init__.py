"""Skill spans, and the dialogue of each frame."""

from pgen.labels.assign import Stretch, label
from pgen.labels.spans import SLACK, frame_ranges, normalise

__all__ = [
    "SLACK",
    "Stretch",
    "frame_ranges",
    "label",
    "normalise",
]
