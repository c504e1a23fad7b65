"""The contract of generators."""

from typing import Any, ClassVar

from pgen.components.base import Component
from pgen.records import Reply, Request


class Generator(Component):
    """Replies for requests."""

    kind = "generator"
    languages: ClassVar[frozenset[str] | None] = None
    """The languages that it can write, by their codes; None where that is up to the model."""
    any_schema: ClassVar[bool] = True
    """Whether it answers any request. One that writes nothing but dialogues cannot judge them."""
    pictures: int = 1
    """The most pictures (or clips) that a request will hold: set before `open`, which can find out about them."""

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), {"pictures": self.pictures}

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight at once."""
        return 1

    @property
    def gpus(self) -> float:
        """How many GPUs it computes on itself: what an executor that hands GPUs out reserves for it."""
        return 0.0

    @property
    def model(self) -> str | None:
        """The model's name as the result records it, or None for a generator without a model."""
        return None

    @property
    def takes_clips(self) -> bool:
        """Whether a clip is handed over as such; otherwise a sheet of its frames is, as one picture."""
        return False

    def provenance(self) -> dict[str, Any]:
        """What was found out at run time and belongs into the manifest, as JSON values."""
        return {}

    async def open(self) -> None:
        """Check and take what is needed, before anything is paid for. Raises ConfigError."""

    async def generate(self, request: Request) -> Reply:
        """One reply. Raises SampleError, or anything else, where this sample cannot be answered."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    async def close(self) -> None:
        """Release what `open` took."""
