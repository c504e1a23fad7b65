"""A stranger's plugin, installed beside pgen's wheel: found by its entry point, used by name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pgen_demo.dataset import Recording, write_dataset
from pgen_demo.layout import Layout

SKILLS = [
    {"name": "reach for the cup", "start": 0.0, "end": 1.0},
    {"name": "lift the cup", "start": 1.0, "end": 2.4},
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recording = Recording(
        length=24,
        draw=lambda camera, frame: Image.new("RGB", (64, 48), (10 * frame, 80, 120)),
        task="lift the cup",
        columns={"observation.state": [[float(frame), 0.0] for frame in range(24)]},
    )
    skills = {
        "coarse_description": "lift the cup",
        "episodes": {"0": {"episode_index": 0, "description": "lift the cup", "skills": SKILLS}},
    }
    root = tmp_path_factory.mktemp("data") / "cup"
    return write_dataset(root, [recording], Layout(fps=10, cameras=("observation.images.front",)), skills=skills)


def annotate(pgen: Callable[..., str], dataset: Path, out: Path, *options: str) -> list[dict[str, Any]]:
    pgen("pgen", "annotate", "--root", dataset, "--output-dir", out, *options)
    lines = (out / "meta/syn_annotations.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_the_installed_plugin_is_listed_with_its_components(installed: Callable[..., str]) -> None:
    listed = installed("pgen", "plugins")
    assert "first-last" in listed
    assert "shout" in listed
    assert "[example]" in listed


def test_its_sampler_and_its_generator_are_used_by_their_names(
    installed: Callable[..., str], dataset: Path, tmp_path: Path
) -> None:
    lines = annotate(installed, dataset, tmp_path / "out", "--sampler", "first-last", "--generator", "shout")
    assert list(dict.fromkeys(line["frame_index"] for line in lines)) == [0, 9, 10, 23]
    steps = [line for line in lines if line["scope"] == "step" and line["variant"] == 0]
    assert [line["user_prompt"] for line in steps] == ["REACH FOR THE CUP!"] * 2 + ["LIFT THE CUP!"] * 2
    installed("pgen", "verify", tmp_path / "out")


def test_a_generator_is_swapped_by_its_name_alone(installed: Callable[..., str], dataset: Path, tmp_path: Path) -> None:
    lines = {name: annotate(installed, dataset, tmp_path / name, "--generator", name) for name in ("template", "shout")}
    asked = {
        name: [(line["frame_index"], line["skill_current"], line["images"]) for line in found]
        for name, found in lines.items()
    }
    assert asked["template"] == asked["shout"]
    assert all(line["robot_utterance"].isupper() for line in lines["shout"])
    assert not any(line["robot_utterance"].isupper() for line in lines["template"])


def test_the_plugins_options_are_set_and_checked_like_any_others(
    installed: Callable[..., str], dataset: Path, tmp_path: Path
) -> None:
    chosen = ("--generator", "shout", "--opt", "generator.marks=3")
    lines = annotate(installed, dataset, tmp_path / "out", *chosen)
    assert lines[0]["robot_utterance"] == "REACH FOR THE CUP!!!"
    wrong = ("--generator", "shout", "--opt", "generator.mark=3")
    said = installed("pgen", "annotate", "--root", dataset, "--output-dir", tmp_path / "wrong", *wrong, expect=2)
    assert "did you mean marks?" in said


def test_the_plugin_needs_nothing_of_the_checkout(installed: Callable[..., str]) -> None:
    places = "import pgen, pgen_demo, pgen_example_plugin as e; print(pgen.__file__, pgen_demo.__file__, e.__file__)"
    assert all("site-packages" in place for place in installed("python", "-I", "-c", places).split())
