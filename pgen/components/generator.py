"""The contract of generators."""

import asyncio
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pgen.components.base import Component, OptionsT
from pgen.records import Reply, Request


@dataclass(frozen=True, slots=True)
class Patches:
    """How a model reads an image: a token for each square of `side` pixels, at least `least`, and two around them."""

    side: int
    least: int = 1

    def tokens(self, width: int, height: int) -> int:
        """Return the number of tokens of an image."""
        columns, rows = (max(1, round(pixels / self.side)) for pixels in (width, height))
        return max(columns * rows, self.least) + 2

    def most(self, pixels: int) -> int:
        """Return the number of tokens of an image of at most so many pixels, about: its shape is unknown."""
        return max(pixels // self.side**2, self.least) + 2


class Generator(Component[OptionsT]):
    """Replies to requests: a model, a server, or a program."""

    kind = "generator"
    languages: ClassVar[frozenset[str] | None] = None
    """Codes of the languages that it can write; None where that depends on the model."""
    any_schema: ClassVar[bool] = True
    """Whether it can fill any JSON Schema. One that writes only dialogues cannot judge them."""
    several: ClassVar[bool] = False
    """Whether it takes requests for several dialogues of a moment; otherwise each has one, as `{"user_prompt", …}`."""
    defers: ClassVar[bool] = False
    """Whether it defers requests: `generate` raises DeferredError, and `settle` obtains the responses."""
    unsettled: bool = False
    """Whether the last `settle` obtained responses of deferred requests: what they belong to is requested again."""
    max_images: int = 1
    """The maximum number of images (or clips) in a request. Set before `open`, which may check it."""
    output_dir: Path | None = None
    """The output of the run, beside which files may be stored. Set before `open`."""

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"max_images": self.max_images}

    @property
    def concurrency(self) -> int:
        """The maximum number of requests in flight."""
        return 1

    @property
    def gpus(self) -> float:
        """The number of GPUs that it computes on in its own process; an executor reserves them."""
        return 0.0

    @property
    def model(self) -> str | None:
        """The model's name as the result records it; None for a generator without a model."""
        return None

    @property
    def takes_clips(self) -> bool:
        """Whether it accepts clips; otherwise it gets a clip's frames as one image, a contact sheet."""
        return False

    @property
    def patches(self) -> Patches | None:
        """How its model reads images, for estimates of tokens; None for a program without a model."""
        return None

    def provenance(self) -> dict[str, Any]:
        """Return facts determined at run time for the manifest, as JSON values."""
        return {}

    async def open(self) -> None:
        """Check the options and acquire resources, before the first request. Raises ConfigError."""

    @abstractmethod
    async def generate(self, request: Request) -> Reply:
        """Return one reply. Any exception (usually SampleError) fails this sample only."""

    async def settle(self, stop: asyncio.Event) -> None:
        """Obtain the responses of all deferred requests, at the end of a round; return early once `stop` is set.

        Sets `unsettled`. Raises InterruptedRunError where they come at a later start of the run.
        """

    async def close(self) -> None:
        """Release what `open` acquired."""
