"""`lerobot-train` trains EO-1, whose language model is a tiny Qwen2.5-VL, on the output of the main route."""

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from form_helpers import lerobot_or_skip, opened
from rendered_example import write_example

import pgen

COMMAND = Path(sys.executable).with_name("lerobot-train")
FRAMES = (0, 60, 300)


def train(root: Path, model: Path, out: Path, tmp_path: Path) -> Path:
    """Train for two steps on the CPU; return the folder of the policy."""
    from lerobot.policies.eo1.configuration_eo1 import EO1Config

    policy = {"type": "eo1", "vlm_base": model, "dtype": "float32", "push_to_hub": "false", "device": "cpu"}
    if "use_language_recipe" in {field.name for field in fields(EO1Config)}:  # lerobot 0.7
        policy["use_language_recipe"] = "true"
    options = [f"--policy.{name}={value}" for name, value in policy.items()]
    options += ["--dataset.repo_id=local/policy", f"--dataset.root={root}", f"--output_dir={out}"]
    options += ["--batch_size=2", "--steps=2", "--num_workers=0", "--log_freq=1", "--wandb.enable=false"]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    done = subprocess.run([COMMAND, *options], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "step:2 " in done.stderr + done.stdout
    return out / "checkpoints" / "last" / "pretrained_model"


def texts(policy: Path, dataset: Any) -> list[str]:
    """Return the text of some frames as the trained policy reads it."""
    from lerobot.configs.policies import PreTrainedConfig
    from lerobot.policies.factory import make_pre_post_processors
    from torch.utils.data import default_collate
    from transformers import AutoTokenizer

    config = PreTrainedConfig.from_pretrained(policy)
    prepare, _ = make_pre_post_processors(config, pretrained_path=str(policy))
    tokenizer = AutoTokenizer.from_pretrained(config.vlm_base)
    rows = [{name: value for name, value in dataset[at].items() if "language" not in name} for at in FRAMES]
    return [tokenizer.decode(prepare(default_collate([row]))["input_ids"][0]) for row in rows]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")  # lerobot's and torch's own
def test_lerobot_train_runs_on_the_output_of_the_main_route(tmp_path, monkeypatch, tiny_checkpoint):
    lerobot_or_skip(tmp_path, monkeypatch)
    source = write_example(tmp_path / "source")
    pgen.annotate(source, tmp_path / "out", generator="template", sink="high-level-policy")
    policy = train(tmp_path / "out", tiny_checkpoint("qwen2_5_vl"), tmp_path / "run", tmp_path)
    dataset = opened(tmp_path / "out")
    tasks = [dataset[at]["task"] for at in FRAMES]
    former = opened(source)
    assert not {former[at]["task"] for at in FRAMES} & {*tasks}  # these are user prompts
    assert all(task in text for task, text in zip(tasks, texts(policy, dataset), strict=True))
