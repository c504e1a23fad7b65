"""The generator `qwen-transformers`: its options, and the way from a request to a batch of the model.

Every option that can change a reply belongs to the identity of finished work; device, batch size and the
attention's implementation do not, though on a GPU they may change the last bits of what the model computes.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from pgen.components import Generator, Options, tuning
from pgen.errors import ConfigError
from pgen.records import Reply, Request

if TYPE_CHECKING:
    from pgen_qwen_transformers.batching import Batcher
    from pgen_qwen_transformers.model import Model, Prepared

AHEAD = 3
"""Requests in flight for each place in a batch: one answered, two waiting, to be grouped by size."""


class QwenOptions(Options):
    model: str
    """A Hub id or a folder: any Qwen2-VL, Qwen2.5-VL, Qwen3-VL, Qwen3-VL-MoE or later instruct checkpoint."""
    revision: str | None = None
    """The branch, tag or commit on the Hub."""
    device: str = tuning("auto", pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")
    """auto, cuda, cuda:1, mps or cpu; auto takes the first of cuda, mps and cpu that is there."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """The precision of the weights; auto takes the checkpoint's own."""
    attn_implementation: str | None = tuning(None)
    """sdpa, flash_attention_2 or eager; transformers chooses where none is named."""
    load_in_4bit: bool = False
    """Quantize the weights to 4 bits while loading, by bitsandbytes, which must be installed."""
    trust_remote_code: bool = False
    """Run Python code that comes with the checkpoint. Only for one whose code you have read."""
    clips: Literal["video", "sheet"] = "video"
    """How clips are shown: as videos, or each as one sheet of its frames, for a model that sees no videos."""
    temperature: float = Field(0.0, ge=0, le=5)
    """0 takes the likeliest token each time. Above, each sample draws from a seed of its own.

    Either way a sample's reply does not depend on the batch it is in: on the CPU in float32 that is tested.
    On a GPU, or in half precision, rounding depends on the batch's shape, and now and then a near tie between
    two tokens falls the other way; with batch_size=1 replies are reproducible there too.
    """
    top_p: float = Field(1.0, gt=0, le=1)
    """Above temperature 0, draw from the likeliest tokens that together hold this share of the probability."""
    max_new_tokens: int = Field(1024, ge=1)
    """Tokens a reply may have; one that is cut there is asked for again, then failed as truncated."""
    batch_size: int = tuning(1, ge=1, le=1024)
    """Samples the model answers at once; halved where the memory does not hold as many."""


class QwenTransformers(Generator[QwenOptions]):
    """Replies of a Qwen vision-language model that is loaded into this process, once.

    Decoding is held to the reply schema, so a reply that ends is valid JSON. Pictures are those of the run,
    at most its --max-pixels each.
    """

    name = "qwen-transformers"
    _model: "Model | None" = None
    _batcher: "Batcher[Request, Prepared, Reply] | None" = None
    _found: dict[str, Any] | None = None

    @property
    def concurrency(self) -> int:
        return AHEAD * self.options.batch_size

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
        return self._found or {}

    async def open(self) -> None:
        import asyncio

        from pgen_qwen_transformers.batching import Batcher
        from pgen_qwen_transformers.loading import Settings
        from pgen_qwen_transformers.model import Sampling, shared

        options = self.options
        model = await asyncio.to_thread(shared, Settings(**{name: getattr(options, name) for name in _SETTINGS}))
        sampling = Sampling(options.temperature, options.top_p, options.max_new_tokens)

        def run(works: "Sequence[Prepared]", cancelled: Callable[[], bool]) -> list[Reply]:
            return model.answer(works, sampling, cancelled)

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
        self._found = {**self._model.facts(), "batch_size": batcher.limit}
        self._model = None


_SETTINGS = ("model", "revision", "device", "dtype", "attn_implementation", "load_in_4bit", "trust_remote_code")
