"""Read LeRobot datasets: the source, and the dialogue of each frame."""

from pgen_lerobot.read.frame_dialogues import LeRobotDialogueDataset, open
from pgen_lerobot.read.source import LeRobotSource

__all__ = ["LeRobotDialogueDataset", "LeRobotSource", "open"]
