"""Read LeRobot datasets: the source, and the dialogue of each frame."""

from pgen_lerobot.read.frame_dialogues import open
from pgen_lerobot.read.recorded import read_manifest, source_options
from pgen_lerobot.read.source import LeRobotSource
from pgen_lerobot.read.torch_dataset import LeRobotDialogueDataset

__all__ = [
    "LeRobotDialogueDataset",
    "LeRobotSource",
    "open",
    "read_manifest",
    "source_options",
]
