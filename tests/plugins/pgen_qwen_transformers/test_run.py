"""Whole runs: a file of labeled moments, a tiny Qwen in this process, a file of dialogues."""

import json

import pytest
from click.testing import CliRunner
from qwen_requests import image

import pgen
from pgen.cli import cli
from pgen.formats.schemas import validator
from pgen_qwen_transformers.generator import QwenTransformers


@pytest.fixture
def labeled(tmp_path):
    """Six moments of two episodes, with two images each."""
    lines = []
    for number in range(6):
        names = [f"cam{camera}_{number}.jpg" for camera in range(2)]
        for camera, name in enumerate(names):
            (tmp_path / name).write_bytes(image(number + camera).jpeg)
        done = ["open fridge", "pick up lettuce", "place lettuce"][: number % 3]
        line = {"episode_id": f"ep_{number // 3:03d}", "t": 10 * (number % 3), "images": names, "skill_history": done}
        lines.append({**line, "skill_current": "pick up the KitKat", "task_description": "making a sandwich"})
    file = tmp_path / "labeled.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def check(folder) -> list[dict]:
    """Return the lines without a dialogue."""
    (file,) = folder.rglob("syn_annotations.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 6
    failed = [line for line in lines if line["status"] == "failed"]
    for line in lines:
        assert validator("syn_annotation").first_error(line) is None
        assert line in failed or (line["user_prompt"] and line["robot_utterance"])
    return failed


def test_from_python(tiny_checkpoint, labeled, tmp_path) -> None:
    generator = QwenTransformers(
        model=str(tiny_checkpoint("qwen2_vl")), device="cpu", batch_size=3, max_new_tokens=2048
    )
    report = pgen.annotate(labeled, tmp_path / "out", generator=generator, prompt="seed", max_failures=0)
    assert report.failed == {}
    assert report.usage.tokens_in > 0
    assert report.usage.tokens_out > 0
    assert check(tmp_path / "out") == []
    (manifest,) = (tmp_path / "out").rglob("manifest.json")
    assert json.loads(manifest.read_text())["generator"]["found"]["structured_output"].startswith("JSON Schema")


def test_from_the_command_line(tiny_checkpoint, labeled, tmp_path) -> None:
    arguments = ["annotate", "--root", str(labeled), "--output-dir", str(tmp_path / "out")]
    arguments += ["--generator", "qwen-transformers", "--model", str(tiny_checkpoint("qwen3_vl"))]
    arguments += ["--device", "cpu", "--batch-size", "6", "--temperature", "1"]
    arguments += ["--opt", "generator.max_new_tokens=4096"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    # Random weights say of some images that they contradict the labels.
    assert {line["stage"] for line in check(tmp_path / "out")} <= {"scene"}
