"""What comes of a request: a reply, and the annotation of each of its samples."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pgen.errors import Stage
from pgen.records.requests import Plan
from pgen.records.samples import Dialogue, Sample

type Verdict = Literal["accepted", "edited", "rejected", "stale"]


@dataclass(frozen=True, slots=True)
class Usage:
    """The cost of a sample: tokens of prompts and replies, seconds, attempts, and retries of the transport.

    `tokens_cached` are those of `tokens_in` that the server took from its prefix cache, `tokens_images` those of images
    and clips. The latter are None where a request had images and the generator does not count theirs.
    """

    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    attempts: int = 1
    retries: int = 0
    tokens_cached: int = 0
    tokens_images: int | None = 0

    @classmethod
    def from_stored(cls, fields: Mapping[str, Any]) -> "Usage":
        """Return the usage that `stored` returned the fields of, in this version or in one without `tokens_images`."""
        return cls(**{"tokens_images": None if fields["tokens_in"] else 0, **fields})

    def stored(self) -> dict[str, Any]:
        """Return the fields by name, without `tokens_images` where `from_stored` assumes its value."""
        fields = {name: getattr(self, name) for name in self.__match_args__}
        assumed = Usage.from_stored({"tokens_in": self.tokens_in}).tokens_images
        return {name: value for name, value in fields.items() if name != "tokens_images" or value != assumed}

    def tokens(self) -> dict[str, int | None]:
        """Return the tokens by name; those of images and of text are None where they are not counted."""
        images = self.tokens_images
        parts = {"images": images, "text": None if images is None else self.tokens_in - images}
        return {"in": self.tokens_in, **parts, "out": self.tokens_out, "cached": self.tokens_cached}

    def summary(self) -> str:
        """Return the tokens as text for people."""
        parts = {"of images": self.tokens_images, "cached": self.tokens_cached}
        listed = ", ".join(f"{count:,} {name}" for name, count in parts.items() if count)
        return f"{self.tokens_in:,} in{f' ({listed})' if listed else ''}, {self.tokens_out:,} out"

    def __add__(self, other: "Usage") -> "Usage":
        return self._combined(operator.add, other)

    def divided(self, parts: int) -> "tuple[Usage, ...]":
        """Return the usage in parts that add up to it; the first has what cannot be divided."""
        whole = Usage(*[parts] * len(self.__match_args__))
        share = replace(self._combined(operator.floordiv, whole), seconds=self.seconds / parts)
        first = self._combined(lambda mine, shared: mine - (parts - 1) * shared, share)
        return first, *(share for _ in range(parts - 1))

    def _combined(self, combine: Callable[[Any, Any], Any], other: "Usage") -> "Usage":
        """Return both usages combined field by field; what is unknown of one of them stays unknown."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__match_args__)
        values: list[Any] = [None if None in pair else combine(*pair) for pair in pairs]
        return Usage(*values)


@dataclass(frozen=True, slots=True)
class Reply:
    """A model's response as text, before it is parsed; `truncated` if it was cut at its length limit.

    `reasoned` is whether the model wrote reasoning before it. `tokens_images` is None where they are not counted.
    """

    text: str
    truncated: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    retries: int = 0
    tokens_cached: int = 0
    reasoned: bool = False
    tokens_images: int | None = None


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


SCORES = ("grounding", "consistency", "naturalness")
"""The names of these scores."""

CONTRADICTION = "the images contradict the labels; to be seen: "
"""Begins the reason of a failure at `scene`, before what is seen."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The stage and the reason of a sample's failure."""

    stage: Stage
    reason: str


@dataclass(frozen=True, slots=True)
class Review:
    """A person's verdict on a dialogue: who, when (ISO 8601), and the reason of a rejection.

    A dialogue is stale if that person edited the spans of its episode, and it does not lead to their skills.
    `original` is the annotation as it was before; None if it was accepted as it is. `frames` are the half-open frames
    over which the person wants the dialogue in force; None for those that follow from its moment. `asked_again` is how
    often a model was asked again for the dialogue that it took, `generator` the name of what wrote that; empty if none.
    """

    state: Verdict
    by: str
    at: str
    reason: str = ""
    original: "Annotation | None" = None
    frames: tuple[int, int] | None = None
    asked_again: int = 0
    generator: str = ""


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
