"""What a run is going to do, and what it did, as values."""

from dataclasses import dataclass, field
from pathlib import Path

from pgen.records import Prompt, Sample, Usage


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: counts, what the source repaired, and the first sample with its prompt.

    `pictures` are the most that a sample shows. Where episodes are conversations: how many there are, the most
    samples that wait for each other in one, and how often an earlier turn is told again. `judged` is about how many
    dialogues the judge is asked about.
    """

    episodes: int
    frames: int
    samples: int
    images: int
    pictures: int
    notes: dict[str, int]
    sample: Sample
    prompt: Prompt
    conversations: int = 0
    longest: int = 0
    retold: int = 0
    judged: int = 0
    executor: str = ""
    """Where the work will be done, if not in this process."""
    remarks: tuple[str, ...] = ()
    """What the sinks have to say of the output."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did. `resumed` counts the samples answered before, `failed` the failures by stage.

    `found` counts the dialogues in which checks found something, by its code; `judged` those with a judgement.
    """

    output_dir: Path
    generator: str
    episodes: int
    frames: int
    samples: int
    resumed: int
    failed: dict[str, int]
    usage: Usage
    seconds: float
    notes: dict[str, int]
    found: dict[str, int] = field(default_factory=dict)
    judged: int = 0
    remarks: tuple[str, ...] = ()
