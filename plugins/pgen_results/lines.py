"""What the commands read of a line of syn_annotations.jsonl: its exchange, its findings and its scores."""

from collections.abc import Mapping
from typing import Any

from pgen.records import CONTRADICTION, SCORES
from pgen_results.severity import SEVERITIES, Severity, severity

type Line = dict[str, Any]
"""An annotation as a line of syn_annotations.jsonl."""

POOR = 2
"""The highest score of a judge, of 5, that a page marks as poor."""

KINDS = ("scenario_type", "response_type")
NOTES = 3
"""The highest badness of a sample that has notes and nothing worse."""
_WEIGHTS: dict[Severity, int] = {"error": 20, "warning": 6, "note": 1}
_SCENE, FAILED = 18, 16
"""The badness of a sample without a dialogue."""


def is_scene(line: Line) -> bool:
    """Return whether the images contradict the labels, which is a finding about the dataset and no failure."""
    return bool(line["stage"] == "scene")


def is_failure(line: Line) -> bool:
    """Return whether the sample failed."""
    return line["status"] == "failed" and not is_scene(line)


def seen(line: Line) -> str:
    """Return what is to be seen where the images contradict the labels."""
    return str(line["reason"]).removeprefix(CONTRADICTION)


def failure(line: Line) -> tuple[str, str] | None:
    """Return the stage and the reason of a sample without a dialogue; of a contradiction, what is to be seen."""
    if line["status"] == "ok":
        return None
    return line["stage"], seen(line) if is_scene(line) else line["reason"]


def findings(line: Line) -> list[tuple[str, str]]:
    """Return the code and the reason of each check that the dialogue did not pass."""
    return [(finding["code"], finding["reason"]) for finding in line.get("checks", ())]


def worst_severity(line: Line) -> Severity | None:
    """Return the highest severity of the dialogue's findings, or None where it has none."""
    present = {severity(code) for code in codes(line)}
    return next((name for name in SEVERITIES if name in present), None)


def is_poor(line: Line) -> bool:
    """Return whether a judge gave the dialogue a low score."""
    return any(score <= POOR for _, score, _ in scores(line.get("judgement")))


def other_types(line: Line) -> list[str]:
    """Return the kinds of type in which an answer differs from its plan."""
    if line["status"] == "failed":
        return []
    return [kind for kind in KINDS if line[f"planned_{kind}"] not in (None, line[kind])]


def badness(line: Line) -> int:
    """Return how bad a sample is, from 0 to 255: what would teach the wrong behaviour first, `NOTES` for notes alone.

    A wrong text counts more than a wrong label, and that more than a lost answer.
    """
    if line["status"] == "failed":
        return _SCENE if is_scene(line) else FAILED
    low = sum(5 * (POOR + 1 - score) for _, score, _ in scores(line.get("judgement")) if score <= POOR)
    return min(255, low + sum(_WEIGHTS[severity(code)] for code in codes(line)))


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
