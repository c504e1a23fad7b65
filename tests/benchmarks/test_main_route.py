"""The main route to a policy: one epoch through lerobot's dataset class and a DataLoader, with lerobot's renderer."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from form_helpers import lerobot_or_skip, read_recipe

import pgen

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "benchmarks"))

from common.groceries import write_groceries  # noqa: E402
from common.policy import Policy, components  # noqa: E402
from common.value_run import THUMBNAIL  # noqa: E402

EPISODES = 4
HELD_OUT = EPISODES - 1


class Examples:
    """lerobot's dataset with the user's turn and the target of each item, rendered as lerobot's policies do."""

    def __init__(self, dataset: Any) -> None:
        self._dataset, self._recipe = dataset, read_recipe("docs").blend["next_skill"]

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        from lerobot.datasets.language_render import render_sample

        item = self._dataset[index]
        rendered = render_sample(
            recipe=self._recipe,
            persistent=item["language_persistent"],
            events=item["language_events"],
            t=float(item["timestamp"]),
            sample_idx=int(item["index"]),
            task=item["task"],
        )
        user, robot = rendered.get("messages") or rendered["messages_rendered"]
        return {**item, "user": user["content"], "target": robot["content"]}


def epoch(root: Path, episodes: list[int]) -> tuple[Any, list[str], list[str], list[int]]:
    """Return the thumbnails, prompts, targets and episodes of all frames, in batches of a random order."""
    import torch
    from lerobot.datasets.lerobot_dataset import LeRobotDataset
    from lerobot.utils.collate import lerobot_collate_fn
    from torch.utils.data import DataLoader

    dataset = LeRobotDataset("local/policy", root=root, episodes=episodes, video_backend="pyav")
    order = torch.Generator().manual_seed(0)
    batches = DataLoader(Examples(dataset), batch_size=32, shuffle=True, generator=order, collate_fn=lerobot_collate_fn)
    images, prompts, targets, places = [], [], [], []
    for batch in batches:
        small = [torch.nn.functional.interpolate(batch[key], THUMBNAIL[::-1]) for key in dataset.meta.camera_keys]
        images.append(torch.cat([part.flatten(1) for part in small], dim=1).numpy())
        prompts += batch["user"]
        targets += batch["target"]
        places += batch["episode_index"].tolist()
    assert len(prompts) == len(dataset)
    return np.concatenate(images), prompts, targets, places


@pytest.mark.filterwarnings("ignore")  # lerobot's and torch's own
def test_one_epoch_from_the_main_route_trains_the_policy_of_the_benchmark(tmp_path, monkeypatch):
    lerobot_or_skip(tmp_path, monkeypatch)
    source = write_groceries(tmp_path / "groceries", EPISODES, retry=())
    pgen.annotate(source, tmp_path / "out", generator="template", sink="high-level-policy")
    images, prompts, targets, episodes = epoch(tmp_path / "out", list(range(HELD_OUT)))
    held, asked, right, _ = epoch(tmp_path / "out", [HELD_OUT])
    skills = sorted({*targets, *right})
    features = components(np.concatenate([images, held]), range(len(images)))
    numbers = [skills.index(target) for target in targets]
    policy = Policy(features[: len(images)], prompts, numbers, len(skills), episodes)
    best = policy.values(features[len(images) :], asked).argmax(axis=1)
    correct = np.mean([skills[number] == skill for number, skill in zip(best, right, strict=True)])
    most_frequent = max(right.count(skill) for skill in skills) / len(right)
    assert correct > 1.5 * most_frequent
