"""What a trainer of a v2.1 dataset sees of it, written as JSON: run under lerobot 0.3.3, the last that reads v2.1.

Usage: judge_v21.py ROOT: prints {"lerobot", "frames", "dtype", "shape", "batch", "column", "texts", "stats"}.
"""

import json
import sys

import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

COLUMN = "task_index_high_level"
ANY_CLOCK = 1e6
"""A tolerance for timestamps: a wall clock is no reason to refuse the column."""


def main(root: str) -> None:
    import lerobot

    dataset = LeRobotDataset("local/judged", root=root, video_backend="pyav", tolerance_s=ANY_CLOCK)
    item = dataset[len(dataset) - 1]
    batch = next(iter(torch.utils.data.DataLoader(dataset, batch_size=4, shuffle=False)))
    column = [int(value) for value in dataset.hf_dataset[COLUMN]]
    seen = {
        "lerobot": lerobot.__version__,
        "frames": len(dataset),
        "dtype": str(item[COLUMN].dtype),
        "shape": list(item[COLUMN].shape),
        "batch": [str(batch[COLUMN].dtype), list(batch[COLUMN].shape)],
        "column": column,
        "texts": [dataset.meta.tasks[index] for index in sorted(set(column))],
        "stats": {name: value.tolist() for name, value in dataset.meta.stats[COLUMN].items()},
        "pictures": {key: list(item[key].shape) for key in dataset.meta.camera_keys},
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main(sys.argv[1])
