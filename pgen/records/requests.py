"""What a generator receives: prompts and images."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pgen.records.samples import Sample


@dataclass(frozen=True, slots=True)
class Image:
    """An image as it is sent to a model: `jpeg` bytes of `width` x `height` pixels, RGB."""

    camera: str
    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Clip:
    """The images of one camera up to a moment, at `times` in seconds relative to it (the last is 0)."""

    camera: str
    frames: tuple[Image, ...]
    times: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a prompt asks of one dialogue; None if it leaves that to the model.

    `excluded` is what the user forbids, and no skill that the dialogue leads to uses. `absent` is the object of a
    false premise, which the robot declines.
    """

    scenario_type: str | None = None
    response_type: str | None = None
    excluded: str | None = None
    absent: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """The texts of a request, and the JSON Schema that the reply must fit.

    `system` is the system message; `context` stands before the images and `text` after them, so that a server can
    reuse what the requests of an episode have in common. `plans` has one plan for each sample of the request.
    """

    text: str
    schema: Mapping[str, Any]
    system: str = ""
    context: str = ""
    plans: tuple[Plan, ...] = (Plan(),)


@dataclass(frozen=True, slots=True)
class Repair:
    """A reply that cannot be used, and its problem: shown to the model in the next attempt."""

    reply: str
    problem: str


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt with its images, for one or more samples of one moment. `seed` is in [0, 2**32).

    `numbers` are those of the samples in the prompt, from 1; a repair asks for fewer than the prompt lists.

    `images` has one image per camera: of the moment, or the sheet of a clip. A generator that takes clips receives
    `clips`, one per camera, instead.
    """

    samples: tuple[Sample, ...]
    prompt: Prompt
    images: tuple[Image, ...]
    seed: int
    repair: Repair | None = None
    clips: tuple[Clip, ...] = ()
    numbers: tuple[int, ...] = (1,)

    @property
    def sample(self) -> Sample:
        """The first sample; all have its span and its moment."""
        return self.samples[0]
