"""The generator `qwen-transformers`, a Qwen vision-language model in this process.

Device, batch size and attention implementation do not belong to the identity of finished work, though on a GPU they
may change the last bits of the logits. All other options do.
"""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pgen.components import Generator, Patches
from pgen.errors import ConfigError
from pgen.records import Reply, Request
from pgen_qwen_transformers.loading import QwenOptions, Settings

if TYPE_CHECKING:
    from pgen_qwen_transformers.batching import Batcher
    from pgen_qwen_transformers.model import Model, Prepared


IN_FLIGHT = 3
"""Requests in flight for each place in a batch: one is computed, two wait and are grouped by size."""

_QWEN3 = re.compile(r"qwen-?3", re.IGNORECASE)


class QwenTransformers(Generator[QwenOptions]):
    """Replies of a Qwen vision-language model that is loaded into this process, once.

    Decoding is held to the reply schema, so that a complete reply is valid JSON.
    """

    name = "qwen-transformers"
    several = True
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

    @property
    def patches(self) -> Patches:
        """Those of Qwen3-VL and later where the model's name or folder says so, else of Qwen2-VL."""
        return Patches(32, 64) if _QWEN3.search(_family(self.options.model)) else Patches(28, 4)

    def provenance(self) -> dict[str, Any]:
        return self._used or {}

    async def open(self) -> None:
        from pgen_qwen_transformers.batching import Batcher
        from pgen_qwen_transformers.model import shared

        options = self.options
        settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
        model = await asyncio.to_thread(shared, settings)

        def run(works: "Sequence[Prepared]", cancelled: Callable[[], bool]) -> list[Reply]:
            return model.generate(works, options, cancelled)

        self._model = model
        # On the CPU both would compete for the cores. What is more, each thread that calls torch has threads of OpenMP,
        # and as soon as there are more of these than cores, they sleep between operations and have to be woken.
        ahead = model.device != "cpu"
        self._batcher = Batcher(model.prepare, run, lambda work: work.length, options.batch_size, ahead=ahead)

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


def _family(model: str) -> str:
    """Return the architecture that a model's folder names, or else the model's name."""
    try:
        return str(json.loads(Path(model, "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError, TypeError):
        return model
