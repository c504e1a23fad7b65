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
    """What was said earlier in an episode, and during which of its spans."""

    skill_index: int
    user_prompt: str
    robot_utterance: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What a person might have said, and what the robot would answer."""

    user_prompt: str
    robot_utterance: str
    scenario_type: str | None = None
    response_type: str | None = None

    @property
    def task(self) -> str:
        """The dialogue as one row of `meta/tasks.parquet`."""
        return f"{self.user_prompt} | {self.robot_utterance}"


class ClipFrame(NamedTuple):
    """A frame of a clip: its position in its episode, and its time in seconds."""

    frame_index: int
    timestamp: float


@dataclass(frozen=True, slots=True)
class SpanContext:
    """A span of an episode as the model is told of it (Hi Robot, section A); the samples of a span share one.

    `skill` is the span's skill and `skill_index` its position among the episode's spans. `history` holds every
    earlier skill, `future` every later one.
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

    `frame_index` is the frame's position in its episode, `timestamp` its time in seconds (None where the
    source has none). `images` are references, one per chosen camera: paths relative to the input, with a media
    fragment for a frame of a video. `clip` holds the frames that are shown of each camera, the moment's own last;
    it is empty where one still image is shown.
    """

    frame_index: int
    timestamp: float | None
    cameras: tuple[str, ...]
    images: tuple[str, ...]
    clip: tuple[ClipFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Which dialogue is requested of a moment.

    `variant` numbers the dialogues of one moment. Where an episode is one conversation, `turn_type` is the kind
    of the exchange and `turns` are the earlier ones. A second request names the dialogue that it is `about`, and
    the `problem` with it (empty where the dialogue is to be judged).
    """

    variant: int = 0
    turn_type: str | None = None
    turns: tuple[Turn, ...] = ()
    about: Dialogue | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment of a span, and the question about it: what one request is made from."""

    span: SpanContext
    moment: Moment
    question: Question = Question()


@dataclass(frozen=True, slots=True)
class Episode:
    """One demonstration.

    `skills` are sorted and disjoint. `timestamps` (float64, one a frame, ascending) are the dataset's
    own, in seconds. `samples` is None where a sampler chooses the moments, and holds them where the
    source already has.
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
    """A picture as it is sent to a model: `jpeg` bytes of `width` x `height` pixels, RGB."""

    camera: str
    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Clip:
    """What one camera saw up to a moment: a picture for each of `times`, in seconds before it (the last is 0)."""

    camera: str
    frames: tuple[Image, ...]
    times: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The kind of interaction a prompt asks for; None where the prompt leaves it open."""

    scenario_type: str | None = None
    response_type: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a sample is asked: `text` (and `system`), and the JSON Schema that the reply has to fit."""

    text: str
    schema: Mapping[str, Any]
    system: str = ""
    plan: Plan = Plan()


@dataclass(frozen=True, slots=True)
class Repair:
    """A reply that did not fit, and what was wrong with it: shown to the model when it is asked again."""

    reply: str
    problem: str


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt with its pictures, for one sample. `seed` is the sample's own, in [0, 2**32).

    `images` holds one picture a camera: of the moment, or the sheet of a clip. A generator that takes clips
    is given `clips`, one a camera, instead.
    """

    sample: Sample
    prompt: Prompt
    images: tuple[Image, ...]
    seed: int
    repair: Repair | None = None
    clips: tuple[Clip, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """What a sample cost: tokens read and written, seconds, replies asked for, requests sent once more."""

    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    attempts: int = 1
    retries: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.seconds + other.seconds,
            self.attempts + other.attempts,
            self.retries + other.retries,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's answer as text, before it is parsed.

    `truncated`: it was cut at its length limit. `retries` counts requests that were sent once more.
    """

    text: str
    truncated: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found wrong with a dialogue: a code to count by, and a reason that a model can act on."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model thinks of a dialogue: scores from 1 (worst) to 5, each after its reason."""

    grounding_reason: str
    grounding: int
    consistency_reason: str
    consistency: int
    naturalness_reason: str
    naturalness: int


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a sample has no dialogue."""

    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class Annotation:
    """What came of a sample: its dialogue, or a failure; never both, never neither.

    (Of a sample that was judged, the judgement.) `checks` are what is wrong with the dialogue.
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
