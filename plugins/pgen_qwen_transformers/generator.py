"""The generator `qwen-transformers`, a Qwen vision-language model in this process.

Device, batch size and attention implementation do not belong to the identity of finished work, though on a GPU they
may change the last bits of the logits. All other options do.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pgen.components import Generator, Options, tuning
from pgen.errors import ConfigError
from pgen.records import Reply, Request

if TYPE_CHECKING:
    from pgen_qwen_transformers.batching import Batcher
    from pgen_qwen_transformers.model import Model, Prepared

IN_FLIGHT = 3
"""Requests in flight for each place in a batch: one is computed, two wait and are grouped by size."""


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
    max_new_tokens: int = Field(1024, ge=1)
    """Tokens of a reply at most; a truncated reply is requested again, and then fails."""
    batch_size: int = tuning(1, ge=1, le=1024)
    """Requests that the model computes at once; halved where they do not fit the memory."""


class QwenTransformers(Generator[QwenOptions]):
    """Replies of a Qwen vision-language model that is loaded into this process, once.

    Decoding is held to the reply schema, so that a complete reply is valid JSON.
    """

    name = "qwen-transformers"
    _model: "Model | None" = None
    _batcher: "Batcher[Request, Prepared, Reply] | None" = None
    _used: dict[str, Any] | None = None

    @property
    def concurrency(self) -> int:
        return IN_FLIGHT * self.options.batch_size

    @property
    def gpus(self) -> float:
        return 0.0 if self.options.device in ("cpu", "mps") else 1.0

    @property
    def model(self) -> str:
        return self.options.model

    @property
    def takes_clips(self) -> bool:
        return self.options.clips == "video"

    def provenance(self) -> dict[str, Any]:
        return self._used or {}

    async def open(self) -> None:
        from pgen_qwen_transformers.batching import Batcher
        from pgen_qwen_transformers.loading import Settings
        from pgen_qwen_transformers.model import shared

        options = self.options
        settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
        model = await asyncio.to_thread(shared, settings)

        def run(works: "Sequence[Prepared]", cancelled: Callable[[], bool]) -> list[Reply]:
            return model.generate(works, options, cancelled)

        self._model = model
        self._batcher = Batcher(model.prepare, run, lambda work: work.length, options.batch_size)

    async def generate(self, request: Request) -> Reply:
        if self._batcher is None:
            raise ConfigError("the generator qwen-transformers is not open: await its open() first.")
        return await self._batcher.submit(request)

    async def close(self) -> None:
        if self._batcher is None or self._model is None:
            return
        batcher, self._batcher = self._batcher, None
        await batcher.close()
        self._used = {**self._model.provenance(), "batch_size": batcher.limit}
        self._model = None
