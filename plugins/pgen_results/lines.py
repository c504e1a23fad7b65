"""What the commands read of a line of syn_annotations.jsonl: its exchange, its findings and its scores."""

from collections.abc import Mapping
from typing import Any

from pgen.inference.judging import SCORES
from pgen.inference.replies import CONTRADICTION

type Line = dict[str, Any]
"""An annotation as a line of syn_annotations.jsonl."""

POOR = 2
"""The highest score of a judge, of 5, that a page marks as poor."""


def is_scene(line: Line) -> bool:
    """Return whether the images contradict the labels, which is a finding about the dataset and no failure."""
    return bool(line["stage"] == "scene")


def is_failure(line: Line) -> bool:
    """Return whether the sample failed."""
    return line["status"] == "failed" and not is_scene(line)


def seen(line: Line) -> str:
    """Return what is to be seen where the images contradict the labels."""
    return str(line["reason"]).removeprefix(CONTRADICTION)


def codes(line: Line) -> list[str]:
    """Return the codes of the checks that the dialogue did not pass."""
    return [finding["code"] for finding in line.get("checks", ())]


def reasons(line: Line) -> list[str]:
    """Return the codes and reasons of those checks; of a failed sample, its stage and reason."""
    if line["status"] == "failed":
        return [f"{line['stage']}: {line['reason']}"]
    return [f"{finding['code']}: {finding['reason']}" for finding in line.get("checks", ())]


def scores(judgement: Mapping[str, Any] | None) -> list[tuple[str, int, str]]:
    """Return the name, the score from 1 to 5 and the reason of each score of a judge."""
    return [(name, judgement[name], judgement[f"{name}_reason"]) for name in SCORES] if judgement else []


def chosen(line: Line) -> str:
    """Return the skill that the judge chose after the user prompt alone, or ""."""
    return str((line.get("judgement") or {}).get("chosen") or "")


def scope(line: Line) -> str:
    """Return what the dialogue leads to; that of an earlier version leads to a step."""
    return str(line.get("scope", "step"))


def skills(line: Line) -> list[str]:
    """Return the skills that the dialogue leads to."""
    return list(line.get("skills", [line["skill_current"]]))


def moment(line: Line) -> tuple[int, int]:
    """Return what the lines about one moment of an episode share."""
    return line["skill_index"], line["frame_index"]
