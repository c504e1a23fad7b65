"""Turns a dataset's label into plain words that can be said in one line.

Control characters, `|` and lone surrogates are removed; `split_label` also removes the robot as subject, step numbers
and the spelling of code (pick_up_cube, PickUpCube).
"""

import re
import unicodedata

from pgen_dialogue.english.verbs import base_of, form_of, from_third_person

_STEP = re.compile(
    r"\A(?:(?:(?:step|skill|sub-?task|phase|stage|action|task)\s*+)?+#?\d++\s*+[:.)\-–]|(?:then|next),?)\s+", re.I
)
_SUBJECT = re.compile(
    r"""\A(?:the\ |a\ |an\ |its\ |both\ )? (?P<side>left\ |right\ )?
    (?P<who>robot(?:ic)?(?:'s)?\ (?:arms?|grippers?|hands?|manipulator)
      |robots?|arms?|grippers?|manipulator|end[ -]effector|hand|agent|bot|person|human|operator|it|they)
    \s+ (?:(?:then|now|also|again)\s+)?
    (?:(?:will|should|must|can|has\ to|needs\ to|is|are|starts\ to|begins\ to)\s+)?""",
    re.IGNORECASE | re.VERBOSE,
)
# The capital is looked for first: most characters are none, and end the attempt.
_HUMP = re.compile(r"(?=[A-Z])(?:(?=.[a-z])(?<=[A-Z])|(?<=[a-z0-9]))")
_SEPARATORS = re.compile(r"[_()\[\]{},;]+")
_EDGES = " \t.,;:!?…-–—_/\\\"'`“”„‘’*#"


def one_line(text: str) -> str:
    """Return the text in one line without control characters, `|` or lone surrogates."""
    return " ".join("".join(" " if _unsayable(char) else char for char in text.replace("|", "/")).split())


def split_label(text: str) -> tuple[str, str, str]:
    """Return a label's words without its subject, the subject or "", and its side: "left", "right" or ""."""
    text = one_line(text).strip(_EDGES)
    if not any(char.isalnum() for char in text):
        return "", "", ""
    text = _without_code_spelling(text)
    text = text[match.end() :] if (match := _STEP.match(text)) else text
    text = _lowered(text)
    match = _SUBJECT.match(text)
    if match is None or not (rest := text[match.end() :]) or not _is_subject(match["who"].lower(), rest):
        return text, "", ""
    return rest, match["who"].lower(), (match["side"] or "").strip().lower()


def _unsayable(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")


def _without_code_spelling(text: str) -> str:
    if " " in text or not text.isascii():
        return text
    words = _SEPARATORS.sub(" ", text).strip()
    if words.count("-") > 1 or base_of(words.partition("-")[0].lower()):
        words = words.replace("-", " ")
    humps = _HUMP.sub(" ", words)
    if form_of(humps.split()[0].lower()):
        words = humps.lower()
    return " ".join(words.split())


def _lowered(text: str) -> str:
    words = [word for word in text.split() if word[0].isalpha()]
    titled = len(words) > 2 and all(word[0].isupper() for word in words)
    if (text.isupper() and len(words) > 1) or titled:
        return text.lower()
    # a capital inside the first word means a name: KitKat
    return text[0].lower() + text[1:] if text[1:2].islower() and not _HUMP.search(text.split()[0]) else text


def _is_subject(who: str, rest: str) -> bool:
    """Return whether a verb follows, so that the word is the label's subject."""
    word = rest.split()[0].lower().strip(_EDGES)
    if "robot" in who and "arm" in who:
        return True
    return form_of(word) is not None or (who.startswith("robot") and from_third_person(word) is not None)
