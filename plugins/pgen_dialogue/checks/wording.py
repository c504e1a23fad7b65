"""Checks of the wording alone: talk about what neither of the two can know, a label read out, too much or nothing."""

import re

from pgen.components import Check, Context, Options
from pgen.records import Annotation, Finding
from pgen_dialogue.checks.words import words_of
from pgen_dialogue.english import read
from pgen_dialogue.english.verbs import form_of
from pgen_dialogue.english.words import DETERMINERS

_META = {
    "pictures": r"\b(?:image|picture|photo|frame|screenshot|video|footage|pixel|camera)s?\b"
    r"(?! ?(?:on the (?:wall|desk|shelf)|of (?:the|my|your|our) (?:family|dog|cat)))",
    "the form of the answer": r"\bjson\b|\buser_prompt\b|\brobot_utterance\b|\bscenario_type\b|[{}]|```|</?\w+>",
    "how it was made": r"\b(?:dataset|annotation|annotator|label(?:led|ed)? (?:as|data)|ground truth|training data|"
    r"language model|as an ai|(?:low|high)-level (?:policy|skill)|(?:current|next|previous) skill|"
    r"skill (?:label|name)s?|demonstration|timestep|episode|trajectory)\b",
    "the robot as a third party": r"\b(?:the )?(?:robot arm|robotic arm|robot) (?:will |should |then |now |is )*"
    r"(?:moves?|moving|picks?|picking|places?|placing|approach\w*|retract\w*|releas\w*|lifts?|lifting|clos\w+|opens?|"
    r"opening|going|about|grasp\w*|goes|pulls?|pulling|push\w*)\b",
}
_PATTERNS = {what: re.compile(pattern, re.IGNORECASE) for what, pattern in _META.items()}
_THINGS = frozenset(("picture", "photo", "frame", "camera", "image", "video", "label", "robot"))


class MetaWords(Check):
    """Talk about images, frames, JSON, labels, or of the robot as a third party: neither of the two knows of them."""

    name = "meta-words"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue, sample = annotation.dialogue, annotation.sample
        assert dialogue is not None
        told = " ".join((sample.span.skill, sample.span.task, *sample.span.history, *sample.span.future))
        named = {word.removesuffix("s") for word in words_of(told)} & (_THINGS - {"robot"})
        for what, pattern in _PATTERNS.items():
            for text in (dialogue.user_prompt, dialogue.robot_utterance):
                found = pattern.search(text)
                if found and found[0].lower().removesuffix("s") not in named:
                    return Finding("meta_words", f"it speaks of {what} ({found[0]!r}), which the two never would")
        return None


class LabelCopy(Check):
    """The skill's label read out word for word, in the form that nobody says aloud."""

    name = "label-copy"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue, label = annotation.dialogue, words_of(annotation.sample.span.skill)
        assert dialogue is not None
        natural = _natural(label)
        for text in (dialogue.user_prompt, dialogue.robot_utterance):
            said = words_of(text)
            whole = said in (label, (*label, "please"), ("please", *label))
            inside = not natural and len(label) > 1 and _holds(said, label)
            if label and (inside or (whole and len(label) > 1 and not text.lower().startswith("please"))):
                return Finding("label_copied", f"it reads out the skill's label ({text!r}); say it in other words")
        return None


class LengthOptions(Options):
    user_words: int = 40
    """Words of the user at most."""
    robot_words: int = 35
    """Words of the robot at most."""


class Length(Check[LengthOptions]):
    """No words at all, or more than anybody says in one breath."""

    name = "length"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue = annotation.dialogue
        assert dialogue is not None
        said = {
            "user_prompt": (dialogue.user_prompt, self.options.user_words),
            "robot_utterance": (dialogue.robot_utterance, self.options.robot_words),
        }
        for name, (text, most) in said.items():
            if not any(character.isalpha() for character in text):
                return Finding("empty", f"the {name} holds no word")
            if (count := _count(text)) > most:
                return Finding("too_long", f"the {name} has {count} words, more than {most}")
        return None


def _natural(label: tuple[str, ...]) -> bool:
    """Whether people say it so: a verb in its plain form, and articles where they are needed."""
    spoken = words_of(read(" ".join(label)).do)
    return bool(label) and form_of(label[0]) == "base" and (label == spoken or bool(DETERMINERS & set(label)))


def _count(text: str) -> int:
    """Words; of a script without spaces, two characters count as one."""
    dense = sum("\u3040" <= character <= "\u9fff" or "\u0e00" <= character <= "\u0e7f" for character in text)
    return len(text.split()) + dense // 2


def _holds(said: tuple[str, ...], label: tuple[str, ...]) -> bool:
    return any(said[start : start + len(label)] == label for start in range(len(said) - len(label) + 1))
