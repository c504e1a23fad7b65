"""Errors before the run: what is missing or wrong is named, with the remedy."""

import asyncio
import json
import shutil
import sys
from importlib.util import find_spec
from types import ModuleType

import pytest
from qwen_requests import replies, request

from pgen.errors import ConfigError
from pgen_qwen_transformers.generator import QwenTransformers


def opening(**options):
    asyncio.run(QwenTransformers(**options).open())


def test_device_batch_size_and_attention_leave_finished_work_valid() -> None:
    plain = QwenTransformers(model="some/model").identity()
    assert (
        QwenTransformers(model="some/model", device="cuda:1", batch_size=8, attn_implementation="eager").identity()
        == plain
    )
    assert QwenTransformers(model="some/model", temperature=1).identity() != plain


def test_images_are_read_as_the_model_s_name_or_folder_says(tmp_path) -> None:
    assert QwenTransformers(model="Qwen/Qwen2.5-VL-7B-Instruct").patches.side == 28
    assert QwenTransformers(model="Qwen/Qwen3-VL-2B-Instruct").patches.side == 32
    (tmp_path / "config.json").write_text('{"model_type": "qwen3_vl_moe"}')
    assert QwenTransformers(model=str(tmp_path)).patches.side == 32
    (tmp_path / "config.json").write_text("[]")
    assert QwenTransformers(model=str(tmp_path)).patches.side == 28


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "option model is required"),
        ({"model": "m", "device": "gpu"}, "option device"),
        ({"model": "m", "temperature": -1}, "option temperature"),
        ({"model": "m", "dtype": "int8"}, "option dtype"),
        ({"model": "m", "bath_size": 2}, "did you mean batch_size?"),
    ],
)
def test_a_wrong_option_is_named(options, message) -> None:
    with pytest.raises(ConfigError, match=message.replace("?", r"\?")):
        QwenTransformers(**options)


@pytest.mark.parametrize(
    ("package", "options", "message"),
    [
        ("torch", {}, r"torch.*pip install 'lerobot-pgen\[transformers\]'"),
        ("llguidance", {}, r"llguidance.*pip install 'lerobot-pgen\[transformers\]'"),
        ("bitsandbytes", {"load_in_4bit": True}, "pip install bitsandbytes"),
    ],
)
def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch, package, options, message) -> None:
    from pgen_qwen_transformers import loading

    monkeypatch.setattr(loading, "find_spec", lambda name: None if name == package else "present")
    with pytest.raises(ConfigError, match=message):
        opening(model="any/model", **options)


def test_asking_before_opening() -> None:
    with pytest.raises(ConfigError, match="is not open"):
        asyncio.run(QwenTransformers(model="any/model").generate(request(0)))


@pytest.mark.usefixtures("tiny_checkpoint")
class TestWithPackages:
    def test_packages_that_do_not_fit_each_other(self, monkeypatch) -> None:
        broken = ModuleType("transformers")
        broken.__spec__ = find_spec("transformers")
        monkeypatch.setitem(sys.modules, "transformers", broken)
        with pytest.raises(ConfigError, match="transformers does not load"):
            opening(model="any/model")

    @pytest.mark.parametrize(
        ("device", "gpus", "message"),
        [
            ("cuda", 0, r"device cuda: torch finds no GPU on this machine.*auto or cpu"),
            ("cuda:1", 0, r"device cuda:1: torch finds no GPU on this machine.*auto or cpu"),
            ("cuda:2", 2, r"device cuda:2: this machine has 2 GPU\(s\), cuda:0 to cuda:1"),
            ("mps", 0, "no Apple GPU"),
        ],
    )
    def test_a_device_that_is_absent(self, monkeypatch, device, gpus, message) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: gpus > 0)
        monkeypatch.setattr("torch.cuda.device_count", lambda: gpus)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
        with pytest.raises(ConfigError, match=message):
            opening(model="any/model", device=device)

    def test_a_name_that_is_no_model(self, tmp_path) -> None:
        for name, message in {
            str(tmp_path / "absent"): "there is no model folder",
            str(tmp_path): r"no config\.json",
            "nobody/nothing": "the model nobody/nothing cannot be used",
        }.items():
            with pytest.raises(ConfigError, match=message):
                opening(model=name)

    @pytest.mark.parametrize(
        ("file", "values", "removed", "message"),
        [
            ("config.json", {"model_type": "qwen2"}, None, "no model of images and text"),
            ("tokenizer_config.json", {"chat_template": None}, "chat_template.json", "no chat template"),
            ("config.json", {}, "model.safetensors", "no weights"),
        ],
    )
    def test_a_folder_that_lacks_something(self, tmp_path, tiny_checkpoint, file, values, removed, message) -> None:
        folder = changed(tiny_checkpoint("qwen2_vl"), tmp_path, file, values)
        if removed:
            (folder / removed).unlink()
        with pytest.raises(ConfigError, match=message):
            opening(model=str(folder))

    def test_weights_that_lack_a_tensor_stop_the_run(self, tmp_path, tiny_checkpoint) -> None:
        from safetensors.torch import load_file, save_file

        folder = changed(tiny_checkpoint("qwen3_vl"), tmp_path, "config.json", {})
        weights = load_file(folder / "model.safetensors")
        del weights["lm_head.weight"]
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        (error,) = replies(QwenTransformers(model=str(folder), device="cpu"), [request(0)])
        assert isinstance(error, ConfigError)
        assert "incomplete: lm_head.weight" in str(error)


def changed(checkpoint, folder, file, values):
    """A copy of a checkpoint with other values in one of its JSON files; None removes one."""
    copy = folder / "changed"
    shutil.copytree(checkpoint, copy)
    content = {**json.loads((copy / file).read_text()), **values}
    content = {key: value for key, value in content.items() if value is not None}
    (copy / file).write_text(json.dumps(content))
    return copy
