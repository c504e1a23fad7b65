"""The contract of samplers."""

from collections.abc import Iterable, Sequence

from pgen.components.base import Component
from pgen.records import Episode


class Sampler(Component):
    """Which frames of an episode to ask about."""

    kind = "sampler"

    @property
    def pictures(self) -> int:
        """How many pictures of each camera a sample shows at most; more than one are a clip."""
        return 1

    def frames(self, episode: Episode) -> Iterable[int]:
        """Positions in `episode.timestamps`, in any order; one outside every span is passed over."""
        raise NotImplementedError  # abstract: whoever implements this kind says it

    def clip(self, episode: Episode, frame: int) -> Sequence[int]:
        """The frames that are shown with a chosen one, ascending and itself the last; none for a still picture."""
        return ()
