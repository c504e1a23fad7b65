"""Checks of the wording alone: `meta-words`, `label-copy` and `length`."""

import re

from pgen.components import Check, Context, Options
from pgen.records import Annotation, Dialogue, Finding, SpanContext
from pgen_dialogue.checks.lexicon import act_at
from pgen_dialogue.checks.things import related, singular
from pgen_dialogue.checks.words import words_of
from pgen_dialogue.english import form_of, read
from pgen_dialogue.english.clauses import LONGEST_TEXT, clauses, plain_words
from pgen_dialogue.english.words import DETERMINERS

_META = {
    "pictures": r"\b(?:images?|pixels?|screenshots?|videos?|footage|camera|"
    r"(?<!picture )(?<!photo )(?<!window )(?<!door )(?<!bed )(?<!my )(?<!our )(?<!your )(?:picture|photo|frames?))\b"
    r"(?! ?(?:frame|book|album|hook|rail|on the (?:wall|desk|shelf)|of (?:the|my|your|our) (?:family|dog|cat)))",
    "the form of the answer": r"\bjson\b|\buser_prompt\b|\brobot_utterance\b|\bscenario_type\b|[{}]|```|</?\w+>",
    "how it was made": r"\b(?:dataset|annotation|annotator|label(?:led|ed)? (?:as|data)|ground truth|training data|"
    r"language model|as an ai|(?:my|the|this) policy|next step in the task|"
    r"(?:next|current|previous|given) (?:label|annotation|skill)|"
    r"(?:low|high)-level (?:policy|skill)|annotated|sub-?task|task description|instruction label|"
    r"training set|the user\b(?! manual| guide)|observations?|(?:wrist|front|side|overhead) view|"
    r"bounding box|action sequence|"
    r"(?:my|the|this) (?:instruction|prompt|label|task description)s? (?:say|tell|read|is|was)s?|"
    r"according to (?:my|the) (?:instruction|prompt|label|task)s?|"
    r"skill (?:label|name)s?|demonstration|timestep|episode|trajectory)\b",
    "the robot as a third party": r"\b(?:the )?(?:robot arm|robotic arm|robot) (?:will |should |then |now |is )*"
    r"(?:moves?|moving|picks?|picking|places?|placing|approach\w*|retract\w*|releas\w*|lifts?|lifting|clos\w+|opens?|"
    r"opening|going|about|grasp\w*|goes|pulls?|pulling|push\w*)\b",
}
_PATTERNS = {topic: re.compile(pattern, re.IGNORECASE) for topic, pattern in _META.items()}
_PICTURES = frozenset(("picture", "photo", "camera"))
"""What a user who names it mostly speaks of as a thing."""
_SHOWING = ("camera shows", "camera sees", "picture shows", "photo shows", "in the picture", "in the photo")
_OBJECTS = frozenset(("picture", "photo", "frame", "camera", "image", "video", "label"))
"""What may also be an object in the scene."""


class MetaWords(Check):
    """Words about images, frames or labels, or about the robot as a third party, which neither speaker would use."""

    name = "meta-words"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue, span = annotation.dialogue, annotation.sample.span
        assert dialogue is not None
        user, robot = dialogue.user_prompt, dialogue.robot_utterance
        for topic, pattern in _PATTERNS.items():
            for text in (user, robot):
                match = pattern.search(text[:LONGEST_TEXT])
                if match and not _is_thing(match[0].lower().removesuffix("s"), user, span):
                    return Finding("meta_words", f"it speaks of {topic} ({match[0]!r}), which the two never would")
        return None


def _is_thing(word: str, user: str, span: SpanContext) -> bool:
    """Return whether a word names a thing of the scene: one of a label, or a camera or a picture of the user's."""
    showing = any(clause.has(*_SHOWING) for clause in clauses(user))
    if word in _PICTURES and not showing and word in words_of(user):
        return True
    labels = words_of(" ".join((span.skill, span.task, *span.history, *span.future)))
    return word in _OBJECTS and any(related(singular(label), word) for label in labels)


class LabelCopy(Check):
    """The skill's technical label, copied word for word into speech."""

    name = "label-copy"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue, label = annotation.dialogue, words_of(annotation.sample.span.skill)
        assert dialogue is not None
        if len(label) < 2:
            return _code_finding(dialogue, annotation.sample.span.skill)
        natural = _is_natural(label)
        for text in (dialogue.user_prompt, dialogue.robot_utterance):
            words = words_of(text)
            whole = words in (label, (*label, "please"), ("please", *label)) and not text.lower().startswith("please")
            if whole or (not natural and _contains(words, label)):
                return Finding("label_copied", f"it reads out the skill's label ({text!r}); say it in other words")
        if _reads_out(text := dialogue.robot_utterance, annotation.sample.span.skill):
            return Finding("label_copied", f"it reads out the skill's label ({text!r}); say it in other words")
        return None


class LengthOptions(Options):
    user_words: int = 40
    """Words of the user at most."""
    robot_words: int = 35
    """Words of the robot at most."""


class Length(Check[LengthOptions]):
    """No words, or more words than a person would say at once."""

    name = "length"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        dialogue = annotation.dialogue
        assert dialogue is not None
        for name, text, limit in (
            ("user_prompt", dialogue.user_prompt, self.options.user_words),
            ("robot_utterance", dialogue.robot_utterance, self.options.robot_words),
        ):
            if not any(character.isalpha() for character in text):
                return Finding("empty", f"the {name} holds no word")
            if (count := _count_words(text)) > limit:
                return Finding("too_long", f"the {name} has {count} words, more than {limit}")
        return None


def _code_finding(dialogue: Dialogue, label: str) -> Finding | None:
    """Return a finding where a text has a label that is spelled as code: "RotateValve", "pick_cube"."""
    is_code = " " not in label and plain_words(read(label).text) != plain_words(label)
    for text in (dialogue.user_prompt, dialogue.robot_utterance) if is_code else ():
        if label in text:
            return Finding("label_copied", f"it reads out the skill's label ({text!r}); say it in other words")
    return None


def _reads_out(text: str, label: str) -> bool:
    """Return whether a clause is the label of a motion that nobody names so: "I will retreat upwards"."""
    spoken = [tuple(word for word in clause.words if word not in _AROUND) for clause in clauses(text)]
    words = plain_words(read(label).do)
    return len(words) > 1 and words in spoken and bool(_MOTIONS & set(words)) and not DETERMINERS & set(words)


_AROUND = frozenset(["i", "will", "am", "now", "okay", "sure", "going", "to", "just", "then", "please"])
_MOTIONS = frozenset(["gripper", "retreat", "retract", "upwards", "upward", "downwards", "downward", "effector"])


def _is_natural(label: tuple[str, ...]) -> bool:
    """Return whether people would say the label: a verb in its base form, and articles where they are needed."""
    imperative = words_of(read(" ".join(label)).do)
    is_verb = form_of(label[0]) == "base" or act_at(label, 0, "base")
    return bool(is_verb) and (label == imperative or bool(DETERMINERS & set(label)))


def _count_words(text: str) -> int:
    """Return the number of words; in a script without spaces, two characters count as one word."""
    dense = sum("\u3040" <= character <= "\u9fff" or "\u0e00" <= character <= "\u0e7f" for character in text)
    return len(text.split()) + dense // 2


def _contains(words: tuple[str, ...], label: tuple[str, ...]) -> bool:
    return any(words[start : start + len(label)] == label for start in range(len(words) - len(label) + 1))
