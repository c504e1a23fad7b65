"""What comes of a request: a reply, and the annotation of each of its samples."""

from dataclasses import dataclass, replace
from typing import Literal

from pgen.errors import Stage
from pgen.records.requests import Plan
from pgen.records.samples import Dialogue, Sample

type Verdict = Literal["accepted", "edited", "rejected"]


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of a sample: tokens of prompts and replies, seconds, attempts, and retries of the transport.

    `tokens_cached` are those of `tokens_in` that the server took from its prefix cache.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    attempts: int = 1
    retries: int = 0
    tokens_cached: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, name) + getattr(other, name) for name in self.__match_args__))

    def divided(self, parts: int) -> "tuple[Usage, ...]":
        """Return the usage in parts that add up to it; the first has what cannot be divided."""
        share = Usage(*(getattr(self, name) // parts for name in self.__match_args__))
        share = replace(share, seconds=self.seconds / parts)
        first = Usage(*(getattr(self, name) - (parts - 1) * getattr(share, name) for name in self.__match_args__))
        return first, *(share for _ in range(parts - 1))


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's response as text, before it is parsed; `truncated` if it was cut at its length limit.

    `reasoned` is whether the model wrote reasoning before it.
    """

    text: str
    truncated: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0
    tokens_cached: int = 0
    reasoned: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A defect that a check reports: a code to count by, and a reason that a model can act on."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A model's scores for a dialogue, from 1 (worst) to 5, each after its reason.

    `chosen` is the skill that it chose after the user prompt alone; empty if it was not asked.
    """

    grounding_reason: str
    grounding: int
    consistency_reason: str
    consistency: int
    naturalness_reason: str
    naturalness: int
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """The stage and the reason of a sample's failure."""

    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class Review:
    """A person's verdict on a dialogue: who, when (ISO 8601), and the reason of a rejection.

    `original` is the annotation as it was before; None if it was accepted as it is. `frames` are the half-open frames
    over which the person wants the dialogue in force; None for those that follow from its moment.
    """

    state: Verdict
    by: str
    at: str
    reason: str = ""
    original: "Annotation | None" = None
    frames: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """The result of a sample: a dialogue or a failure, or a judgement if the sample asks for one.

    `checks` are the findings about the dialogue, `judgement` its scores if it was judged, `review` what a person says.
    """

    sample: Sample
    plan: Plan
    outcome: Dialogue | Judgement | Failure
    usage: Usage = Usage()
    checks: tuple[Finding, ...] = ()
    judgement: Judgement | None = None
    review: Review | None = None

    @property
    def dialogue(self) -> Dialogue | None:
        return self.outcome if isinstance(self.outcome, Dialogue) else None

    @property
    def failure(self) -> Failure | None:
        return self.outcome if isinstance(self.outcome, Failure) else None
