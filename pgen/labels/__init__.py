"""Normalize skill spans, and label each frame with one of the exchanges in force."""

from pgen.labels.exchanges import (
    DEFAULT_WEIGHTS,
    Exchange,
    Labelling,
    Stretch,
    allowed_frames,
    exchanges,
    label,
)
from pgen.labels.spans import SLACK, frame_ranges, normalize, phase_positions

__all__ = [
    "DEFAULT_WEIGHTS",
    "SLACK",
    "Exchange",
    "Labelling",
    "Stretch",
    "allowed_frames",
    "exchanges",
    "frame_ranges",
    "label",
    "normalize",
    "phase_positions",
]
