"""Print as JSON the dialogue in each item of `pgen.LeRobotDialogueDataset`, with whichever lerobot runs this.

Usage: read_dialogue_with_lerobot.py ROOT PATH... The paths are searched for pgen and its dependencies, after those of
this environment.
"""

import json
import sys
from typing import Any

KEYS = ("user_prompt", "robot_utterance", "skill", "scope", "scenario_type", "response_type")


def main(root: str, *paths: str) -> None:
    sys.path += paths
    import lerobot
    import torch

    import pgen

    options: dict[str, Any] = {"root": root, "video_backend": "pyav"}
    dataset = pgen.LeRobotDialogueDataset("local/read", **options)
    drawn = pgen.LeRobotDialogueDataset("local/read", draw=True, scopes={"episode": 1}, speech="once", **options)
    others = pgen.LeRobotDialogueDataset("local/read", counterfactuals=1.0, **options)
    batches = torch.utils.data.DataLoader(dataset, batch_size=8, num_workers=1)
    result = {
        "lerobot": lerobot.__version__,
        "items": [[batch[key][row] for key in KEYS] for batch in batches for row in range(len(batch["skill"]))],
        "drawn": [[drawn[row][key] for key in KEYS] for row in range(len(drawn))],
        "counterfactual": [others[0][key] for key in KEYS],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
