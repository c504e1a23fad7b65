"""The plan and the report of a run."""

from dataclasses import dataclass, field
from pathlib import Path

from pgen.records import Prompt, Sample, Usage


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run will do: its counts, the source's `notes`, and the first sample with its prompt."""

    episodes: int
    frames: int
    samples: int
    requests: int
    images: int
    max_images: int
    """The most images of one sample."""
    notes: dict[str, int]
    sample: Sample
    prompt: Prompt
    conversations: int = 0
    longest: int = 0
    """The most samples of one conversation, which are requested one after another."""
    retold: int = 0
    """How often an earlier turn of a conversation is repeated in a request."""
    judged: int = 0
    """About how many dialogues the judge receives."""
    executor: str = ""
    """Where the work will be done, if not in this process."""
    remarks: tuple[str, ...] = ()
    """Notes for users of the output."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did."""

    output_dir: Path
    generator: str
    episodes: int
    frames: int
    samples: int
    resumed: int
    """Samples with a result from an earlier start."""
    failed: dict[str, int]
    """Failures by stage."""
    usage: Usage
    seconds: float
    notes: dict[str, int]
    findings: dict[str, int] = field(default_factory=dict)
    """Dialogues with a finding, by its code."""
    flagged: int = 0
    """Dialogues with a finding of any code."""
    judged: int = 0
    """Dialogues with a judgement."""
    judge_usage: Usage = field(default_factory=lambda: Usage(attempts=0))
    """What the requests to the judge cost, beside `usage`."""
    remarks: tuple[str, ...] = ()
    """Notes for users of the output."""
