"""What a GPU computes in a second, and what it costs: published, not measured."""

from dataclasses import dataclass

HOUR = 3600.0
GPU_REQUESTS, GPU_TOKENS = 3.1, 23 * 17 + 128 + 128
"""Requests per second, and tokens of each (an image of 640x480, text, reply): Qwen2.5-VL-7B-Instruct on one H100 by
vLLM 0.7.2, from the model card of neuralmagic/Qwen2.5-VL-7B-Instruct-quantized.w4a16, the row of the unquantized
model."""
RATE = GPU_REQUESTS * GPU_TOKENS
"""Tokens per second: a token that is computed takes as long as one that is written."""
DOLLARS = 3.99
"""Per hour of an H100 SXM: RunPod's price list (Secure Cloud), read in November 2026."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a server does for an episode: requests, dialogues that come back, tokens computed and written."""

    requests: float
    dialogues: float
    computed: float
    written: float

    @property
    def seconds(self) -> float:
        """The GPU's seconds per episode."""
        return self.tokens / RATE

    @property
    def tokens(self) -> float:
        return self.computed + self.written
