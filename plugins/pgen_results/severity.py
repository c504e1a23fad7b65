"""The codes of checks in words, with their severity: what teaches the wrong behaviour is an error."""

from typing import Literal

type Severity = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

_ERRORS = {
    "already_done": "asks for what is done",
    "claims_done": "claims to have done what comes next",
    "empty": "holds no word",
    "forbids_skill": "forbids what the robot does",
    "forgets_constraint": "forgets a constraint",
    "other_action": "names another action",
    "other_object": "names another object",
    "refusal": "refuses",
    "round_trip": "leads a judge to another skill",
    "standing_violated": "forbids what a later skill does",
    "ungrounded": "leads to no skill",
    "wrong_speaker": "spoken by the wrong side",
}
_WARNINGS = {
    "counter_question": "only asks",
    "echo": "repeats the other side",
    "false_apology": "apologizes for nothing",
    "label_copied": "reads out the label",
    "language": "in another language",
    "meta_words": "speaks of images or data",
    "too_long": "has too many words",
}
_NOTES = {"near_duplicate": "nearly the same in its episode", "repeated": "repeated in the run"}

_CODES: dict[str, tuple[str, Severity]] = {
    **{code: (words, "error") for code, words in _ERRORS.items()},
    **{code: (words, "warning") for code, words in _WARNINGS.items()},
    **{code: (words, "note") for code, words in _NOTES.items()},
}


def described(code: str) -> tuple[str, Severity]:
    """Return the words and the severity of a code; that of a check of another plugin is a warning."""
    return _CODES.get(code, (code.replace("_", " "), "warning"))


def severity(code: str) -> Severity:
    """Return the severity of a code."""
    return described(code)[1]
