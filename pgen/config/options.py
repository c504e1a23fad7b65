"""The options of a run as a whole, whatever its components are."""

from math import inf
from pathlib import Path
from typing import Any, Literal, TypedDict

from pydantic import Field, field_validator

from pgen.components import Options
from pgen.labels import DEFAULT_WEIGHTS
from pgen.languages import code_of
from pgen.records import SCOPES, Scope

type Turns = Literal["off", "episode"]
type OnCheck = Literal["retry", "keep", "fail"]
type Speech = Literal["hold", "once"]


class RunOptions(Options):
    """The options of a run as a whole."""

    output_dir: Path
    """The new dataset; must not exist yet."""
    in_place: bool = False
    """Write into the input's own folder, which `output_dir` then is."""
    journal: Path | None = None
    """The file that stores the results of an unfinished run, on a local disk; beside the output by default."""
    seed: int = 0
    """Determines every random choice of the run; the same seed gives the same output."""
    max_samples: int | None = Field(None, ge=1)
    """The maximum number of samples, the first ones."""
    max_failures: float = Field(0.02, ge=0, le=1)
    """The share of samples that may fail; with more, nothing is written."""
    attempts: int = Field(2, ge=1, le=10)
    """The maximum number of attempts per sample, where a reply is truncated, no JSON or does not fit the schema."""
    max_pixels: int = Field(1003520, ge=1024)
    """Images are scaled down to this many pixels before they are sent."""
    language: str = "en"
    """The dialogue's language, by its code or its English name."""
    turns: Turns = "off"
    """`episode` includes the earlier dialogue of an episode in each request; its requests are sent one by one."""
    variants: int | None = Field(None, ge=1, le=100)
    """The number of wordings of each dialogue; by default 3, or 1 where the prompt asks for one dialogue alone."""
    scopes: dict[Scope, float] = DEFAULT_WEIGHTS
    """The weights by which a frame is labelled with one of the exchanges in force, such as step=4,phase=3; no dialogue
    of a scope with the weight 0 is requested."""
    speech: Speech = "hold"
    """Whether a frame's label has the robot's utterance as long as its exchange is in force (`hold`), or only in the
    second in which it is spoken (`once`)."""
    silence: float = Field(0.0, ge=0, le=1)
    """The share of spans in which nothing new is said, so that an earlier exchange stays in force."""
    on_check: OnCheck = "retry"
    """What happens to a dialogue in which a check finds a defect: one more attempt, then it is marked (`retry`) or
    failed (`fail`); or it is marked without another attempt (`keep`)."""
    judge_share: float = Field(0.1, gt=0, le=1)
    """The share of the answered samples that the judge scores."""
    fresh: bool = False
    """Discard the results of an unfinished run and start again."""

    @property
    def in_turns(self) -> bool:
        """Whether an episode is one conversation."""
        return self.turns == "episode"

    @field_validator("scopes", mode="before")
    @classmethod
    def _scopes(cls, value: Any) -> Any:
        return parse_weights(value)

    @field_validator("scopes")
    @classmethod
    def _weights(cls, value: dict[Scope, float]) -> dict[Scope, float]:
        if not any(value.values()) or not all(0 <= weight < inf for weight in value.values()):
            raise ValueError("each weight is a number from 0 up, and one is above 0")
        return value

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        return code_of(value)


def parse_weights(value: Any) -> Any:
    """Return weights such as `step=4,phase=3` as a table; other values are validated as they are.

    Raises ValueError for a name that is no scope, and for one without a weight or with two.
    """
    if not isinstance(value, str):
        return value
    weights: dict[str, str] = {}
    for pair in value.split(","):
        name, _, number = (part.strip() for part in pair.partition("="))
        if name not in SCOPES:
            raise ValueError(f"there is no scope {name!r}; there are {', '.join(SCOPES)}")
        if not number or name in weights:
            raise ValueError(f"{name} needs one weight, as in step=4,phase=3")
        weights[name] = number
    return weights


class RunKeywords(TypedDict, total=False):
    """The fields of RunOptions, without `output_dir`, as keywords of `pgen.annotate`."""

    in_place: bool
    journal: Path | None
    seed: int
    max_samples: int | None
    max_failures: float
    attempts: int
    max_pixels: int
    language: str
    turns: Turns
    variants: int | None
    scopes: dict[Scope, float]
    speech: Speech
    silence: float
    on_check: OnCheck
    judge_share: float
    fresh: bool
