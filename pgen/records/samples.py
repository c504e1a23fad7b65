"""What a run asks about: episodes, their spans and moments, and the samples made of these."""

from array import array
from dataclasses import dataclass
from typing import Literal, NamedTuple

type Scope = Literal["episode", "phase", "step", "standing"]
"""What an exchange leads to: the whole task, the next skills of one purpose, one skill, or a constraint on the rest."""

MAX_ELSEWHERE = 40
"""Skills of other episodes that an episode names."""

SCOPES: tuple[Scope, ...] = ("episode", "phase", "step", "standing")


@dataclass(frozen=True, slots=True)
class Skill:
    """A span of an episode with one skill: the half-open interval [start, end), in seconds.

    `failed` is whether the attempt did not succeed.
    """

    name: str
    start: float
    end: float
    failed: bool = False


class Turn(NamedTuple):
    """An earlier dialogue of a conversation, and the position of its span in the episode.

    `lasting` is whether it is in force to the episode's end.
    """

    skill_index: int
    user_prompt: str
    robot_utterance: str
    lasting: bool = False


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
    `elsewhere` are skills of other episodes of the dataset that this one does not have. `phases` are the positions
    [start, stop) of the skills of each phase, where the source has phases, and `failed` those of skills that failed.
    """

    episode_index: int
    episode_id: str
    task: str
    skill_index: int
    skill: str
    history: tuple[str, ...]
    future: tuple[str, ...]
    elsewhere: tuple[str, ...] = ()
    phases: tuple[tuple[int, int], ...] = ()
    failed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame of an episode, and the images that show it.

    `frame_index` is its position in the episode, `timestamp` its time in seconds (None if the source has none), and
    `running` how many seconds its skill has been running, 0 at the first frame of the span.
    `images` are references, one per chosen camera: paths relative to the input, with a media fragment for a frame of
    a video. `clip` lists the frames that are shown of each camera, the moment's own last; empty for a still image.
    """

    frame_index: int
    timestamp: float | None
    cameras: tuple[str, ...]
    images: tuple[str, ...]
    clip: tuple[ClipFrame, ...] = ()
    running: float = 0.0


@dataclass(frozen=True, slots=True)
class Question:
    """Which dialogue is requested for a moment.

    The dialogue leads to `skills` skills, beginning with the moment's own; a `standing` one is a constraint on these.
    `variant` numbers its wordings. In a conversation, `turn_type` is the kind of turn and `turns` are the earlier
    ones. A second request names the dialogue that it is `about`, and its `problem` (empty if the dialogue is to be
    judged).

    A `counterfactual` asks for a prompt that the demonstration does not follow: `other` leads to the skill `target`,
    `wait`, `ask` and `decline` lead to none. `speaker` is a seed that all dialogues of an episode share.
    """

    variant: int = 0
    scope: Scope = "step"
    skills: int = 1
    turn_type: str | None = None
    turns: tuple[Turn, ...] = ()
    about: Dialogue | None = None
    problem: str = ""
    counterfactual: str | None = None
    target: str | None = None
    speaker: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """A moment with its span and with the question about it: the unit of work and of the journal."""

    span: SpanContext
    moment: Moment
    question: Question = Question()

    @property
    def skills(self) -> tuple[str, ...]:
        """The skills that its dialogue leads to, in order."""
        return (self.span.skill, *self.span.future[: self.question.skills - 1])


@dataclass(frozen=True, slots=True)
class Episode:
    """One demonstration.

    `timestamps` are the dataset's own: float64, one per frame, ascending, in seconds. `skills` are sorted and
    disjoint. `samples` is None unless the source itself chooses the moments. `elsewhere` are names of skills of other
    episodes, at most MAX_ELSEWHERE. `phases` are the phases that the skills make up, where the source has them.
    """

    index: int
    id: str
    task: str
    fps: float
    timestamps: array[float]
    skills: tuple[Skill, ...]
    cameras: tuple[str, ...] = ()
    samples: tuple[Sample, ...] | None = None
    elsewhere: tuple[str, ...] = ()
    phases: tuple[Skill, ...] = ()
