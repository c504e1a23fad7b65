"""Print as JSON what a trainer gets of a dataset from lerobot's own classes, in whichever lerobot runs this.

Usage: read_with_lerobot.py ROOT [TOLERANCE_S]. The tolerance is that of timestamps: a wall clock is no reason to
refuse the column.
"""

import json
import sys
from typing import Any

import torch
from lerobot.datasets.lerobot_dataset import LeRobotDataset

COLUMN = "task_index_high_level"


def main(root: str, *tolerance: str) -> None:
    import lerobot

    options: dict[str, Any] = {"tolerance_s": float(tolerance[0])} if tolerance else {}
    dataset = LeRobotDataset("local/judged", root=root, video_backend="pyav", **options)
    item = dataset[len(dataset) - 1]
    batch = next(iter(torch.utils.data.DataLoader(dataset, batch_size=4, shuffle=False)))
    column = [int(value) for value in dataset.hf_dataset[COLUMN]]
    tasks = dataset.meta.tasks
    of_version_3 = hasattr(tasks, "iloc")
    result = {
        "lerobot": lerobot.__version__,
        "frames": len(dataset),
        "dtype": str(item[COLUMN].dtype),
        "shape": list(item[COLUMN].shape),
        "batch": [str(batch[COLUMN].dtype), list(batch[COLUMN].shape)],
        "column": column,
        "texts": [tasks.iloc[index].name if of_version_3 else tasks[index] for index in sorted(set(column))],
        "tasks": len(tasks),
        "stats": {name: value.tolist() for name, value in (dataset.meta.stats or {}).get(COLUMN, {}).items()},
        "images": {key: list(item[key].shape) for key in dataset.meta.camera_keys},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
