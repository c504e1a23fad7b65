"""The column of subtasks: the skill of each frame, by which LeRobot's own tools name it."""

from pgen_segment.segmentation import Segmented
from pgen_segment.subtasks.column import COLUMN, skill_indices, write

__all__ = ["COLUMN", "Segmented", "skill_indices", "write"]
