"""`pgen.LeRobotDialogueDataset`: lerobot's dataset, with the dialogue as text in each item."""

from pathlib import Path
from typing import Any

from pgen_lerobot.format import COLUMN, Dataset
from pgen_lerobot.read.frame_dialogues import Texts


class LeRobotDialogueDataset:
    """A map-style dataset: an item of lerobot's dataset, and `user_prompt` and `robot_utterance`, both str.

    Takes the arguments of `LeRobotDataset`; its other attributes are available here and under `dataset`.
    A frame without a dialogue has its task as `user_prompt` and "" as `robot_utterance`. Raises InputError where
    pgen did not write the dataset, ImportError where lerobot is not installed.
    """

    def __init__(self, repo_id: str, root: str | Path | None = None, **options: Any) -> None:
        from lerobot.datasets.lerobot_dataset import LeRobotDataset

        self.dataset: Any = LeRobotDataset(repo_id, root=root, **options)
        self._texts = Texts(Dataset(Path(self.dataset.root)))

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        item = self.dataset[index]
        label = int(item[COLUMN])
        dialogue = self._texts[label if label >= 0 else int(item["task_index"])]
        return {**item, "user_prompt": dialogue.user_prompt, "robot_utterance": dialogue.robot_utterance}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "dataset":  # torch would read whole batches past __getitem__
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.dataset, name)
