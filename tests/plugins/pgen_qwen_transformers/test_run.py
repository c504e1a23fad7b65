"""The whole way: a file of labeled moments, a tiny Qwen in this process, a file of dialogues."""

import json

import pytest
from click.testing import CliRunner
from qwen_requests import picture

import pgen
from pgen.cli import cli
from pgen.formats.schemas import validator
from pgen_qwen_transformers.generator import QwenTransformers


@pytest.fixture
def labeled(tmp_path):
    """Six moments of two episodes, with two pictures each."""
    lines = []
    for number in range(6):
        names = [f"cam{camera}_{number}.jpg" for camera in range(2)]
        for camera, name in enumerate(names):
            (tmp_path / name).write_bytes(picture(number + camera).jpeg)
        done = ["open fridge", "pick up lettuce", "place lettuce"][: number % 3]
        lines.append(
            {
                "episode_id": f"ep_{number // 3:03d}",
                "t": 10 * (number % 3),
                "images": names,
                "skill_current": "pick up the KitKat",
                "skill_history": done,
                "task_description": "making a sandwich",
            }
        )
    file = tmp_path / "labeled.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def check(folder) -> None:
    (file,) = folder.rglob("syn_annotations.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == 6
    for line in lines:
        validator("syn_annotation").validate(line)
        assert line["user_prompt"]
        assert line["robot_utterance"]


def test_from_python(tiny_checkpoint, labeled, tmp_path) -> None:
    generator = QwenTransformers(
        model=str(tiny_checkpoint("qwen2_vl")), device="cpu", batch_size=3, max_new_tokens=2048
    )
    report = pgen.annotate(labeled, tmp_path / "out", generator=generator, prompt="seed", max_failures=0)
    assert report.failed == {}
    assert report.usage.tokens_in > 0
    assert report.usage.tokens_out > 0
    check(tmp_path / "out")
    (manifest,) = (tmp_path / "out").rglob("manifest.json")
    assert json.loads(manifest.read_text())["generator"]["found"]["structured_output"].startswith("JSON Schema")


def test_from_the_command_line(tiny_checkpoint, labeled, tmp_path) -> None:
    arguments = ["annotate", "--root", str(labeled), "--output-dir", str(tmp_path / "out")]
    arguments += ["--generator", "qwen-transformers", "--model", str(tiny_checkpoint("qwen3_vl"))]
    arguments += [
        "--device",
        "cpu",
        "--batch-size",
        "6",
        "--temperature",
        "1",
        "--opt",
        "generator.max_new_tokens=2048",
    ]
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 0, told.output
    check(tmp_path / "out")


def test_a_missing_gpu_ends_the_run_before_it_begins(tiny_checkpoint, labeled, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    arguments = ["annotate", "--root", str(labeled), "--output-dir", str(tmp_path / "out"), "--device", "cuda"]
    told = CliRunner().invoke(cli, [*arguments, "--generator", "qwen-transformers", "--model", "any/model"])
    assert told.exit_code == 2
    assert "torch finds no GPU on this machine" in told.output
    assert not (tmp_path / "out").exists()


def test_every_option_is_documented() -> None:
    told = CliRunner().invoke(cli, ["plugins", "show", "qwen-transformers"])
    assert told.exit_code == 0, told.output
    for name, field in QwenTransformers.Options.model_fields.items():
        assert name in told.output
        assert field.description
