"""The options of `qwen-transformers`, and loading of its model by name.

The cheap parts are checked first: packages, device, configuration, weights. Errors are ConfigErrors that name the
remedy. The model's class follows from its configuration, not from its name.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pgen.components import Options, tuning
from pgen.errors import ConfigError

PACKAGES = ("torch", "torchvision", "transformers", "accelerate", "llguidance")


class QwenOptions(Options):
    model: str
    """A Hub id or a folder: any Qwen2-VL, Qwen2.5-VL, Qwen3-VL, Qwen3-VL-MoE or later instruct checkpoint."""
    revision: str | None = None
    """The branch, tag or commit on the Hub."""
    device: str = tuning("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    """auto, cuda, cuda:1, mps or cpu; auto takes the first available of cuda, mps and cpu."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """The precision of the weights; auto takes the checkpoint's own."""
    attn_implementation: str | None = tuning(None)
    """sdpa, flash_attention_2 or eager; by default transformers chooses."""
    load_in_4bit: bool = False
    """Quantize the weights to 4 bits while loading; needs bitsandbytes."""
    trust_remote_code: bool = False
    """Run the Python code of the checkpoint; only for code that you have read."""
    clips: Literal["video", "sheet"] = "video"
    """How clips are shown: as videos, or each as one sheet of its frames, for a model without video input."""
    temperature: float = Field(0.0, ge=0, le=5)
    """0 always takes the most likely token. Above, each sample draws with its own seed.

    A reply does not depend on the batch on the CPU in float32. On a GPU, or in half precision, rounding depends on the
    shape of the batch and can decide a near tie between two tokens; with batch_size=1 replies are reproducible there.
    """
    top_p: float = Field(1.0, gt=0, le=1)
    """Above temperature 0, draw from the most likely tokens that together have this probability."""
    max_new_tokens: int = Field(2048, ge=1)
    """Tokens of a reply at most; a truncated reply is requested again, and then fails."""
    batch_size: int = tuning(1, ge=1, le=1024)
    """Requests that the model computes at once; halved where they do not fit the memory."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a loaded model: two with equal settings are the same."""

    model: str
    revision: str | None
    device: str
    dtype: str
    attn_implementation: str | None
    load_in_4bit: bool
    trust_remote_code: bool

    @property
    def source(self) -> dict[str, Any]:
        """Arguments of `from_pretrained` that choose the files and allow their code to run."""
        trust = {"trust_remote_code": self.trust_remote_code}
        return trust if self.revision is None else {**trust, "revision": self.revision}


def check_packages(settings: Settings) -> None:
    """Raise ConfigError where a package is missing, or where their versions do not fit each other."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the generator needs {', '.join(missing)}; install with `pip install 'lerobot-pgen[transformers]'`."
        )
    if settings.load_in_4bit and find_spec("bitsandbytes") is None:
        raise ConfigError("load_in_4bit needs bitsandbytes; install it with `pip install bitsandbytes`.")
    try:
        from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: F401 (imported to see whether it can be)
    except (ImportError, RuntimeError) as error:
        raise ConfigError(
            f"transformers does not load ({_sentence(error)}); its torch, torchvision and transformers must fit each "
            "other: `pip install --upgrade 'lerobot-pgen[transformers]'`."
        ) from None


def device_of(name: str) -> str:
    """Return the device of a name, such as auto. Raises ConfigError where this machine does not have it."""
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


def load_processor(settings: Settings) -> tuple[Any, Any]:
    """Return the configuration and the processor: small files, which show whether the model can be used."""
    from transformers import AutoConfig, AutoProcessor
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING

    _check_folder(settings.model)
    try:
        config = AutoConfig.from_pretrained(settings.model, **settings.source)
        if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING and not hasattr(config, "auto_map"):
            raise ConfigError(
                f"{settings.model} ({config.model_type}) is no model of images and text for this version of "
                "transformers; choose a Qwen-VL checkpoint, or upgrade transformers."
            )
        processor = AutoProcessor.from_pretrained(settings.model, **settings.source)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ConfigError(f"the model {settings.model} cannot be used: {_sentence(error)}") from None
    if not getattr(processor, "chat_template", None):
        raise ConfigError(f"{settings.model} has no chat template: choose an instruct checkpoint.")
    return config, processor


def load_weights(settings: Settings, config: Any, device: str) -> Any:
    """Return the model on its device. Raises ConfigError where it does not load or fit."""
    import torch
    from transformers import AutoModelForImageTextToText

    arguments: dict[str, Any] = {"config": config, "dtype": settings.dtype, "output_loading_info": True}
    if settings.attn_implementation:
        arguments["attn_implementation"] = settings.attn_implementation
    if settings.load_in_4bit:
        arguments["quantization_config"] = _quantization(settings.dtype)
    if device != "cpu":
        arguments["device_map"] = device
    try:
        model, info = AutoModelForImageTextToText.from_pretrained(settings.model, **arguments, **settings.source)
    except torch.OutOfMemoryError:
        raise ConfigError(
            f"{settings.model} does not fit the memory of {device}; take a smaller model or load_in_4bit=true, or "
            "serve it and use the generator qwen-openai."
        ) from None
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        raise ConfigError(f"the weights of {settings.model} do not load: {_sentence(error)}") from None
    if missing := sorted(info["missing_keys"]):
        raise ConfigError(f"the weights of {settings.model} are incomplete: {missing[0]} and {len(missing) - 1} more.")
    return model.eval()


def _check_folder(name: str) -> None:
    """Check a name that is a path or an existing folder, which is not looked up on the Hub."""
    path = Path(name).expanduser()
    if not path.is_dir():
        if name.startswith(("/", ".", "~")) or name.count("/") > 1:
            raise ConfigError(f"there is no model folder {name}.")
        return
    if not (path / "config.json").is_file():
        raise ConfigError(f"the folder {name} holds no model: there is no config.json in it.")
    if not any(next(path.glob(pattern), None) for pattern in ("*.safetensors", "*.bin")):
        raise ConfigError(f"the folder {name} holds no weights (*.safetensors).")


def _quantization(dtype: str) -> Any:
    import torch
    from transformers import BitsAndBytesConfig

    compute = torch.bfloat16 if dtype == "auto" else getattr(torch, dtype)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute)


def _sentence(error: Exception, limit: int = 300) -> str:
    """Return the first line of an error, with a full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0].strip()[:limit]
    return text if text.endswith((".", "!", "?")) else f"{text}."
