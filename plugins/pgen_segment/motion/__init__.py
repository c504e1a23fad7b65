"""Spans from the motion of the arms and their grippers, without a model."""

from pgen_segment.motion.changing_frames import ChangingFrames

__all__ = ["ChangingFrames"]
