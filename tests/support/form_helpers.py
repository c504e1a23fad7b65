"""Outputs in other forms, as a run with those sinks writes them."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from needed import need
from sink_helpers import count, results

from pgen.components import Results, Sink
from pgen_lerobot.write import LeRobotSink

RECIPE = Path(__file__).parents[2] / "docs/recipes/dialogue.yaml"


def written(root: Path, out: Path, *forms: Sink, run: Results | None = None, **options: Any) -> Path:
    """Write the dataset at `root`, annotated, with the sink `lerobot` and these."""
    run = run or results(root)
    sinks = (LeRobotSink(**options), *forms)
    run = replace(run, manifest={**run.manifest, "sinks": [sink.describe() for sink in sinks]})
    for sink in sinks:
        sink.open(run.source)
    count(run)
    out.mkdir(parents=True)
    for sink in sinks:
        sink.write(run, out)
    return out


def lerobot_or_skip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Import lerobot without its warnings and with a cache of its own; skip the test where it is missing."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        need("datasets", "lerobot")
        import datasets
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def opened(root: Path) -> Any:
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    return LeRobotDataset("local/x", root=root, video_backend="pyav")


def read_recipe(recipe: dict[str, Any] | str) -> Any:
    """Return a training recipe of lerobot, from its content or ("docs") from the file of the docs."""
    import yaml

    try:  # lerobot 0.7
        from lerobot.datasets.recipe import TrainingRecipe
    except ImportError:
        from lerobot.configs.recipe import TrainingRecipe
    content = yaml.safe_load(RECIPE.read_text()) if recipe == "docs" else recipe
    return TrainingRecipe.from_dict(content)
