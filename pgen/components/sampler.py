"""The contract of samplers."""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence

from pgen.components.base import Component, OptionsT
from pgen.records import Episode, Question, Scope


class Sampler(Component[OptionsT]):
    """Chooses the frames of an episode that become samples."""

    kind = "sampler"

    @property
    def images_per_camera(self) -> int:
        """The maximum number of images per camera and sample; more than one form a clip."""
        return 1

    @abstractmethod
    def frames(self, episode: Episode) -> Iterable[int]:
        """Return positions in `episode.timestamps`, in any order; those outside every span are ignored."""

    def scopes(self, episode: Episode, frame: int) -> Collection[Scope] | None:
        """Return the scopes of the dialogues to request at a frame; None leaves them to the prompt builder."""
        return None

    def admits(self, episode: Episode, frame: int, question: Question) -> bool:
        """Return whether to request a dialogue of those that the prompt builder has for a frame, by its scope."""
        scopes = self.scopes(episode, frame)
        return scopes is None or question.scope in scopes

    def clip(self, episode: Episode, frame: int) -> Sequence[int]:
        """Return the frames of the clip that ends in `frame`, ascending; empty for a still image."""
        return ()
