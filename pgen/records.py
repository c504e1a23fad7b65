"""The records that travel from a dataset to its dialogue: frozen, slotted, without I/O.

Episode -> Sample -> Request (Prompt + Image) -> Reply -> Annotation (Dialogue, or a Failure).
"""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pgen.errors import Stage


@dataclass(frozen=True, slots=True)
class Skill:
    """A span of an episode with one skill: the half-open interval [start, end), in seconds."""

    name: str
    start: float
    end: float


class Turn(NamedTuple):
    """An earlier dialogue of a conversation, and the position of its span in the episode."""

    skill_index: int
    user_prompt: str
    robot_utterance: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A user prompt with the utterance that answers it."""

    user_prompt: str
    robot_utterance: str
    scenario_type: str | None = None
    response_type: str | None = None

    @property
    def task(self) -> str:
        """The dialogue as a task: the text of its row in `meta/tasks.parquet`."""
        return f"{self.user_prompt} | {self.robot_utterance}"


class ClipFrame(NamedTuple):
    """A frame of a clip: its position in its episode, and its time in seconds."""

    frame_index: int
    timestamp: float


@dataclass(frozen=True, slots=True)
class SpanContext:
    """What the model learns of a span (Hi Robot, section A). All samples of a span share one object.

    `skill_index` is the span's position in its episode; `history` and `future` are all earlier and later skills.
    """

    episode_index: int
    episode_id: str
    task: str
    skill_index: int
    skill: str
    history: tuple[str, ...]
    future: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame of an episode, and the images that show it.

    `frame_index` is its position in the episode, `timestamp` its time in seconds (None if the source has none).
    `images` are references, one per chosen camera: paths relative to the input, with a media fragment for a frame of
    a video. `clip` lists the frames that are shown of each camera, the moment's own last; empty for a still image.
    """

    frame_index: int
    timestamp: float | None
    cameras: tuple[str, ...]
    images: tuple[str, ...]
    clip: tuple[ClipFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Which dialogue is requested for a moment.

    `variant` numbers the dialogues of one moment. In a conversation, `turn_type` is the kind of exchange and `turns`
    are the earlier ones. A second request names the dialogue that it is `about`, and its `problem` (empty if the
    dialogue is to be judged).
    """

    variant: int = 0
    turn_type: str | None = None
    turns: tuple[Turn, ...] = ()
    about: Dialogue | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment with its span and with the question about it: the unit of work and of the journal."""

    span: SpanContext
    moment: Moment
    question: Question = Question()


@dataclass(frozen=True, slots=True)
class Episode:
    """One demonstration.

    `timestamps` are the dataset's own: float64, one per frame, ascending, in seconds. `skills` are sorted and
    disjoint. `samples` is None unless the source itself chooses the moments.
    """

    index: int
    id: str
    task: str
    fps: float
    timestamps: array[float]
    skills: tuple[Skill, ...]
    cameras: tuple[str, ...] = ()
    samples: tuple[Sample, ...] | None = None


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
    """The types that a prompt asks for; None if it leaves them to the model."""

    scenario_type: str | None = None
    response_type: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text of a request, its system message, and the JSON Schema that the reply must fit."""

    text: str
    schema: Mapping[str, Any]
    system: str = ""
    plan: Plan = Plan()


@dataclass(frozen=True, slots=True)
class Repair:
    """A reply that cannot be used, and its problem: shown to the model in the next attempt."""

    reply: str
    problem: str


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt with its images, for one sample. `seed` is the sample's own, in [0, 2**32).

    `images` has one image per camera: of the moment, or the sheet of a clip. A generator that takes clips receives
    `clips`, one per camera, instead.
    """

    sample: Sample
    prompt: Prompt
    images: tuple[Image, ...]
    seed: int
    repair: Repair | None = None
    clips: tuple[Clip, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of a sample: tokens of prompts and replies, seconds, attempts, and retries of the transport."""

    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    attempts: int = 1
    retries: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, name) + getattr(other, name) for name in self.__match_args__))


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's response as text, before it is parsed; `truncated` if it was cut at its length limit."""

    text: str
    truncated: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect that a check reports: a code to count by, and a reason that a model can act on."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A model's scores for a dialogue, from 1 (worst) to 5, each after its reason."""

    grounding_reason: str
    grounding: int
    consistency_reason: str
    consistency: int
    naturalness_reason: str
    naturalness: int


@dataclass(frozen=True, slots=True)
class Failure:
    """The stage and the reason of a sample's failure."""

    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """The result of a sample: a dialogue or a failure, or a judgement if the sample asks for one.

    `checks` are the findings about the dialogue, `judgement` its scores if it was judged.
    """

    sample: Sample
    plan: Plan
    outcome: Dialogue | Judgement | Failure
    usage: Usage = Usage()
    checks: tuple[Finding, ...] = ()
    judgement: Judgement | None = None

    @property
    def dialogue(self) -> Dialogue | None:
        return self.outcome if isinstance(self.outcome, Dialogue) else None

    @property
    def failure(self) -> Failure | None:
        return self.outcome if isinstance(self.outcome, Failure) else None
