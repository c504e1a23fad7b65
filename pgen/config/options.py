"""The options that belong to a run as a whole, whatever its components are."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from pgen.components.options import Options
from pgen.languages import code_of


class RunOptions(Options):
    """What belongs to the run as a whole."""

    output_dir: Path
    """The new dataset; must not exist yet."""
    in_place: bool = False
    """Write into the input's own folder, which `output_dir` then is."""
    journal: Path | None = None
    """The file that keeps the answers of a run under way, on a local disk; beside the output where not given."""
    seed: int = 0
    """Makes every choice of the run; the same seed gives the same output."""
    max_samples: int | None = Field(None, ge=1)
    """Ask about this many samples at most, the first ones."""
    max_failures: float = Field(0.02, ge=0, le=1)
    """The share of samples that may fail; with more, nothing is written."""
    attempts: int = Field(2, ge=1, le=10)
    """How often a sample is asked at most, where the reply was cut, no JSON or not of the schema."""
    max_pixels: int = Field(1003520, ge=1024)
    """Pictures are scaled down to this many pixels before they are sent."""
    language: str = "en"
    """The dialogue's language, by its code or its English name."""
    turns: Literal["off", "episode"] = "off"
    """`episode` tells each request what was said before in its episode; those of an episode wait for each other."""
    variants: int = Field(1, ge=1, le=100)
    """How many different dialogues to ask for at each moment; they share the frames of its stretch."""
    on_check: Literal["retry", "keep", "fail"] = "retry"
    """What becomes of a dialogue that a check finds wrong: asked for once more, then kept and marked (`retry`) or
    failed (`fail`); or kept and marked at once (`keep`)."""
    judge_share: float = Field(0.1, gt=0, le=1)
    """The share of the answered samples that the judge looks at."""
    fresh: bool = False
    """Throw away the answers of an unfinished run and start anew."""

    @property
    def in_turns(self) -> bool:
        """Whether an episode is one conversation."""
        return self.turns == "episode"

    @field_validator("language")
    @classmethod
    def _language(cls, value: str) -> str:
        return code_of(value)
