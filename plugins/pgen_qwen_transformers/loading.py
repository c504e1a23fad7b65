"""From a model's name to its parts, checked in the order of their price: packages, device, files, weights.

Whatever is wrong is a ConfigError that says what to do. No class is chosen by the name of a model: what its
configuration says decides.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError

PACKAGES = ("torch", "torchvision", "transformers", "accelerate", "llguidance")


@dataclass(frozen=True, slots=True)
class Settings:
    """What makes two loaded models the same one."""

    model: str
    revision: str | None
    device: str
    dtype: str
    attn_implementation: str | None
    load_in_4bit: bool
    trust_remote_code: bool

    @property
    def source(self) -> dict[str, Any]:
        """How transformers is told of the files and of whether it may run their code."""
        trust = {"trust_remote_code": self.trust_remote_code}
        return trust if self.revision is None else {**trust, "revision": self.revision}


def check_packages(settings: Settings) -> None:
    """Raises ConfigError where a package is missing, or where they do not fit each other."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the generator needs {', '.join(missing)}; install with `pip install 'lerobot-pgen[transformers]'`."
        )
    if settings.load_in_4bit and find_spec("bitsandbytes") is None:
        raise ConfigError("load_in_4bit needs bitsandbytes; install it with `pip install bitsandbytes`.")
    try:
        from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: F401
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"transformers does not load ({_line(error)}); its torch, torchvision and transformers must fit each "
            "other: `pip install --upgrade 'lerobot-pgen[transformers]'`."
        ) from None


def device_of(name: str) -> str:
    """The device that a name stands for. Raises ConfigError where this machine does not have it."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if name == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device mps: this machine has no Apple GPU that torch can use; choose auto or cpu.")
    if not name.startswith("cuda"):
        return name
    if not torch.cuda.is_available():
        built = "" if torch.version.cuda or torch.version.hip else " (this torch is built without CUDA)"
        raise ConfigError(f"device {name}: torch finds no GPU on this machine{built}; choose auto or cpu.")
    count = torch.cuda.device_count()
    if int(name.partition(":")[2] or 0) >= count:
        raise ConfigError(f"device {name}: this machine has {count} GPU(s), cuda:0 to cuda:{count - 1}.")
    return name


def load_frame(settings: Settings) -> tuple[Any, Any]:
    """The configuration and the processor: small files, which show whether the model can be used at all."""
    from transformers import AutoConfig, AutoProcessor
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    _check_folder(settings.model)
    try:
        config = AutoConfig.from_pretrained(settings.model, **settings.source)
        if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING and not hasattr(config, "auto_map"):
            raise ConfigError(
                f"{settings.model} ({config.model_type}) is no model of pictures and text for this version of "
                "transformers; choose a Qwen-VL checkpoint, or upgrade transformers."
            )
        processor = AutoProcessor.from_pretrained(settings.model, **settings.source)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ConfigError(f"the model {settings.model} cannot be used: {_line(error)}") from None
    if not getattr(processor, "chat_template", None):
        raise ConfigError(f"{settings.model} has no chat template: choose an instruct checkpoint.")
    return config, processor


def load_weights(settings: Settings, config: Any, device: str) -> Any:
    """The model on its device, ready to generate. Raises ConfigError where it does not load or fit."""
    import torch
    from transformers import AutoModelForImageTextToText

    wanted: dict[str, Any] = {"config": config, "dtype": settings.dtype, "output_loading_info": True}
    if settings.attn_implementation:
        wanted["attn_implementation"] = settings.attn_implementation
    if settings.load_in_4bit:
        wanted["quantization_config"] = _four_bits(settings.dtype)
    if device != "cpu":
        wanted["device_map"] = device
    try:
        model, info = AutoModelForImageTextToText.from_pretrained(settings.model, **wanted, **settings.source)
    except torch.OutOfMemoryError:
        raise ConfigError(
            f"{settings.model} does not fit the memory of {device}; take a smaller model or load_in_4bit=true, or "
            "serve it and use the generator qwen-openai."
        ) from None
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise ConfigError(f"the weights of {settings.model} do not load: {_line(error)}") from None
    if absent := sorted(info["missing_keys"]):
        raise ConfigError(f"the weights of {settings.model} are incomplete: {absent[0]} and {len(absent) - 1} more.")
    return model.eval()


def _check_folder(name: str) -> None:
    """A name with the form of a path, or of an existing folder, is a folder and never asked of the Hub."""
    path = Path(name).expanduser()
    if not path.is_dir():
        if name.startswith(("/", ".", "~")) or name.count("/") > 1:
            raise ConfigError(f"there is no model folder {name}.")
        return
    if not (path / "config.json").is_file():
        raise ConfigError(f"the folder {name} holds no model: there is no config.json in it.")
    if not any(next(path.glob(pattern), None) for pattern in ("*.safetensors", "*.bin")):
        raise ConfigError(f"the folder {name} holds no weights (*.safetensors).")


def _four_bits(dtype: str) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    compute = torch.bfloat16 if dtype == "auto" else getattr(torch, dtype)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)


def _line(error: Exception, limit: int = 300) -> str:
    """The first line of an error, ended as a sentence."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0].strip()[:limit]
    return text if text.endswith((".", "!", "?")) else f"{text}."
