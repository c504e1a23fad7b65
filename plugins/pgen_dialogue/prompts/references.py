"""References: dialogues that people accepted or wrote, as examples in a prompt.

They are lines of JSON, as `pgen export --reviewed` writes them. Which of them a prompt shows depends on the seed of its
sample alone. A prompt never shows a dialogue of its own moment: the model would copy it.
"""

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from pgen.errors import ConfigError, InputError
from pgen.records import Sample
from pgen.safety.bounded_json import json_lines
from pgen.seeds import derive

type Reference = Mapping[str, Any]

KEYS = ("episode_id", "frame_index", "scope", "skill", "user_prompt", "robot_utterance")
"""What a line must have."""


def load_references(path: Path) -> tuple[Reference, ...]:
    """Return the references in a file. Raises ConfigError where it cannot be read, or has none."""
    try:
        lines = list(json_lines(path))
    except FileNotFoundError:
        raise ConfigError(
            f"prompt file: there is no file {path}; name the references.jsonl of `pgen export --reviewed`."
        ) from None
    except (OSError, InputError) as error:
        raise ConfigError(f"prompt file: {error}") from None
    for number, line in lines:
        if not isinstance(line, dict) or not line.keys() >= set(KEYS):
            raise ConfigError(f"prompt file: {path}, line {number} is no reference: it needs {', '.join(KEYS)}.")
    if not lines:
        raise ConfigError(f"prompt file: {path} contains no reference; accept dialogues with pgen review first.")
    return tuple(line for _, line in lines)


def references_for(references: tuple[Reference, ...], sample: Sample, seed: int, count: int) -> list[Reference]:
    """Return at most `count` references of the sample's scope, none of them of its moment."""
    place = sample.span.episode_id, sample.moment.frame_index
    fitting = [
        it
        for it in references
        if it["scope"] == sample.question.scope and (it["episode_id"], it["frame_index"]) != place
    ]
    return Random(derive(seed, "references")).sample(fitting, min(count, len(fitting)))


def as_text(references: list[Reference]) -> str:
    """Return references as lines of a prompt."""
    lines = (
        f"- Next skill: {it['skill']}\n  User: {it['user_prompt']}\n  Robot: {it['robot_utterance']}"
        for it in references
    )
    return "\n".join(lines) or "none"
