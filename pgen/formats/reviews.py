"""Reviews in lines of `syn_annotations.jsonl`: the verdict on a dialogue, and the values that it had before."""

from dataclasses import asdict, replace
from typing import Any

from pgen.records import Annotation, Dialogue, Failure, Finding, Judgement, Review

type Line = dict[str, Any]


def outcome_values(annotation: Annotation) -> Line:
    """Return the values of a line that a review may change."""
    dialogue, failure = annotation.dialogue, annotation.failure
    return {
        "user_prompt": dialogue.user_prompt if dialogue else None,
        "robot_utterance": dialogue.robot_utterance if dialogue else None,
        "scenario_type": dialogue.scenario_type if dialogue else None,
        "response_type": dialogue.response_type if dialogue else None,
        "checks": [asdict(finding) for finding in annotation.checks],
        "judgement": asdict(annotation.judgement) if annotation.judgement else None,
        "status": "ok" if dialogue else "failed",
        "stage": failure.stage if failure else None,
        "reason": failure.reason if failure else None,
    }


def with_outcome(annotation: Annotation, line: Line) -> Annotation:
    """Return the annotation with the dialogue or failure of a line, its findings and its judgement."""
    outcome: Dialogue | Failure
    if line["status"] == "ok":
        types = line["scenario_type"], line["response_type"]
        outcome = Dialogue(line["user_prompt"], line["robot_utterance"], *types)
    else:
        outcome = Failure(line["stage"], line["reason"])
    checks = tuple(Finding(**finding) for finding in line.get("checks", ()))
    judgement = Judgement(**line["judgement"]) if line.get("judgement") else None
    return replace(annotation, outcome=outcome, checks=checks, judgement=judgement)


def review_entry(review: Review) -> Line:
    """Return a review as the value of the key `review` of a line."""
    entry = {
        "state": review.state,
        "by": review.by,
        "at": review.at,
        "reason": review.reason or None,
        "original": outcome_values(review.original) if review.original else None,
        "frames": list(review.frames) if review.frames else None,
    }
    return {**entry, "asked_again": review.asked_again} if review.asked_again else entry


def with_review(annotation: Annotation, line: Line) -> Annotation:
    """Return the annotation of a line with the line's review, where it has one."""
    entry = line.get("review")
    if not entry:
        return annotation
    original = with_outcome(annotation, {**line, **entry["original"]}) if entry["original"] else None
    frames = (int(entry["frames"][0]), int(entry["frames"][1])) if entry["frames"] else None
    asked = int(entry.get("asked_again", 0))
    # A sample that an edit of spans added has nothing from the run's generator.
    is_added = original is not None and original.failure is not None and original.failure.stage == "review"
    taken = asked, line["generator"] if asked or is_added else ""
    review = Review(entry["state"], entry["by"], entry["at"], entry["reason"] or "", original, frames, *taken)
    return replace(annotation, review=review)
