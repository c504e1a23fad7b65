"""Before anything is paid for: what is missing or wrong is told in a sentence that says what to do."""

import asyncio
import json
import pickle
import shutil
import sys
from importlib.util import find_spec
from types import ModuleType

import pytest
from qwen_requests import replies, request

from pgen.errors import ConfigError
from pgen.registry import registry
from pgen_qwen_transformers.generator import QwenTransformers


def opening(**options):
    asyncio.run(QwenTransformers(**options).open())


def test_it_is_found_by_its_name() -> None:
    assert registry().find("generator", "qwen-transformers") is QwenTransformers


def test_it_can_be_pickled_and_shows_its_options() -> None:
    generator = QwenTransformers(model="some/model", temperature=0.5, batch_size=8)
    copy = pickle.loads(pickle.dumps(generator))
    assert copy.options == generator.options
    assert "model='some/model'" in repr(copy)
    assert "temperature=0.5" in repr(copy)


def test_device_batch_size_and_attention_leave_finished_work_valid() -> None:
    plain = QwenTransformers(model="some/model").identity()
    assert (
        QwenTransformers(model="some/model", device="cuda:1", batch_size=8, attn_implementation="eager").identity()
        == plain
    )
    assert QwenTransformers(model="some/model", temperature=1).identity() != plain


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "option model is required"),
        ({"model": "m", "device": "gpu"}, "option device"),
        ({"model": "m", "temperature": -1}, "option temperature"),
        ({"model": "m", "dtype": "int8"}, "option dtype"),
        ({"model": "m", "bath_size": 2}, "did you mean batch_size?"),
    ],
)
def test_a_wrong_option_is_named(options, told) -> None:
    with pytest.raises(ConfigError, match=told.replace("?", r"\?")):
        QwenTransformers(**options)


@pytest.mark.parametrize("package", ["torch", "transformers", "llguidance"])
def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch, package) -> None:
    from pgen_qwen_transformers import loading

    real = loading.find_spec
    monkeypatch.setattr(loading, "find_spec", lambda name: None if name == package else real(name))
    with pytest.raises(ConfigError, match=rf"{package}.*pip install 'lerobot-pgen\[transformers\]'"):
        opening(model="any/model")


@pytest.mark.usefixtures("tiny_checkpoint")
class TestWithPackages:
    def test_packages_that_do_not_fit_each_other(self, monkeypatch) -> None:
        broken = ModuleType("transformers")
        broken.__spec__ = find_spec("transformers")
        monkeypatch.setitem(sys.modules, "transformers", broken)
        with pytest.raises(ConfigError, match="transformers does not load"):
            opening(model="any/model")

    def test_four_bits_without_bitsandbytes(self, monkeypatch) -> None:
        from pgen_qwen_transformers import loading

        real = loading.find_spec
        monkeypatch.setattr(loading, "find_spec", lambda name: None if name == "bitsandbytes" else real(name))
        with pytest.raises(ConfigError, match="pip install bitsandbytes"):
            opening(model="any/model", load_in_4bit=True)

    @pytest.mark.parametrize("device", ["cuda", "cuda:1"])
    def test_cuda_without_a_gpu(self, monkeypatch, device) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        with pytest.raises(ConfigError, match=rf"device {device}: torch finds no GPU on this machine.*auto or cpu"):
            opening(model="any/model", device=device)

    def test_a_gpu_beyond_the_last(self, monkeypatch) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
        with pytest.raises(ConfigError, match=r"device cuda:2: this machine has 2 GPU\(s\), cuda:0 to cuda:1"):
            opening(model="any/model", device="cuda:2")

    def test_mps_elsewhere_than_on_a_mac(self, monkeypatch) -> None:
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
        with pytest.raises(ConfigError, match="no Apple GPU"):
            opening(model="any/model", device="mps")

    def test_a_folder_that_is_not_there(self, tmp_path) -> None:
        with pytest.raises(ConfigError, match="there is no model folder"):
            opening(model=str(tmp_path / "absent"))

    def test_a_folder_without_a_model(self, tmp_path) -> None:
        with pytest.raises(ConfigError, match=r"no config\.json"):
            opening(model=str(tmp_path))

    def test_a_name_that_the_hub_does_not_give(self) -> None:
        with pytest.raises(ConfigError, match="the model nobody/nothing cannot be used"):
            opening(model="nobody/nothing")

    def test_a_model_without_pictures(self, tmp_path, tiny_checkpoint) -> None:
        folder = changed(tiny_checkpoint("qwen2_vl"), tmp_path, "config.json", {"model_type": "qwen2"})
        with pytest.raises(ConfigError, match="no model of pictures and text"):
            opening(model=str(folder))

    def test_a_model_without_a_chat_template(self, tmp_path, tiny_checkpoint) -> None:
        folder = changed(tiny_checkpoint("qwen2_vl"), tmp_path, "tokenizer_config.json", {"chat_template": None})
        (folder / "chat_template.json").unlink()
        with pytest.raises(ConfigError, match="no chat template"):
            opening(model=str(folder))

    def test_a_folder_without_weights(self, tmp_path, tiny_checkpoint) -> None:
        folder = changed(tiny_checkpoint("qwen2_vl"), tmp_path, "config.json", {})
        (folder / "model.safetensors").unlink()
        with pytest.raises(ConfigError, match="no weights"):
            opening(model=str(folder))

    def test_weights_that_lack_a_tensor_stop_the_run(self, tmp_path, tiny_checkpoint) -> None:
        from safetensors.torch import load_file, save_file

        folder = changed(tiny_checkpoint("qwen3_vl"), tmp_path, "config.json", {})
        weights = load_file(folder / "model.safetensors")
        del weights["lm_head.weight"]
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        (told,) = replies(QwenTransformers(model=str(folder), device="cpu"), [request(0)])
        assert isinstance(told, ConfigError)
        assert "incomplete: lm_head.weight" in str(told)

    def test_asking_before_opening(self) -> None:
        with pytest.raises(ConfigError, match="is not open"):
            asyncio.run(QwenTransformers(model="any/model").generate(request(0)))


def changed(checkpoint, folder, file, values):
    """A copy of a checkpoint with other values in one of its JSON files; None removes one."""
    copy = folder / "changed"
    shutil.copytree(checkpoint, copy)
    content = {**json.loads((copy / file).read_text()), **values}
    content = {key: value for key, value in content.items() if value is not None}
    (copy / file).write_text(json.dumps(content))
    return copy
