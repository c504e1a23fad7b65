"""The options of a run as a whole, whatever its components are."""

from pathlib import Path
from typing import Literal, TypedDict

from pydantic import Field, field_validator

from pgen.components import Options
from pgen.languages import code_of

type Turns = Literal["off", "episode"]
type OnCheck = Literal["retry", "keep", "fail"]


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
    variants: int = Field(1, ge=1, le=100)
    """The number of different dialogues per moment; they share the frames of its stretch."""
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

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        return code_of(value)


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
    variants: int
    on_check: OnCheck
    judge_share: float
    fresh: bool
