"""What a trainer sees of a dataset, written as JSON: run under any lerobot, whose own classes are the judge.

Usage: judge.py ROOT: prints {"lerobot", "frames", "dtype", "shape", "batch", "texts", "tasks", "pictures"}.
"""

import json
import sys

import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

COLUMN = "task_index_high_level"


def main(root: str) -> None:
    import lerobot

    dataset = LeRobotDataset("local/judged", root=root, video_backend="pyav")
    item = dataset[0]
    batch = next(iter(torch.utils.data.DataLoader(dataset, batch_size=4, shuffle=False)))
    column = [int(value) for value in dataset.hf_dataset[COLUMN]]
    seen = {
        "lerobot": lerobot.__version__,
        "frames": len(dataset),
        "dtype": str(item[COLUMN].dtype),
        "shape": list(item[COLUMN].shape),
        "batch": [str(batch[COLUMN].dtype), list(batch[COLUMN].shape)],
        "column": column,
        "texts": [dataset.meta.tasks.iloc[index].name for index in sorted(set(column))],
        "tasks": len(dataset.meta.tasks),
        "pictures": {key: list(dataset[len(dataset) - 1][key].shape) for key in dataset.meta.camera_keys},
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
