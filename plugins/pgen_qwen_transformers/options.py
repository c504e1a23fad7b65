"""The options of the generator `qwen-transformers`."""

from typing import Literal

from pydantic import Field

from pgen.components import Options, tuning


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
