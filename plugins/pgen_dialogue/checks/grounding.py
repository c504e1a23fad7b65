"""The check `grounding`: the dialogue agrees with what the robot does, and is about it. For English.

The images are not looked at, so an object counts as a wrong one only where the episode or the task names it, or where
it is of the same kind with another colour, size or side. Rather a missed defect than a false finding; other languages
pass.
"""

import re
from collections.abc import Iterable, Iterator

from pgen.components import Check, Context
from pgen.records import Annotation, Dialogue, Finding, SpanContext
from pgen_dialogue.checks.attributes import names, other_attribute
from pgen_dialogue.checks.language import in_other_language
from pgen_dialogue.checks.words import ACTION_WORDS, ACTIONS, EMPTY, actions, content, head, name_stems, stem, words_of
from pgen_dialogue.english import Phrase, read, read_task
from pgen_dialogue.english.words import ACT_OF
from pgen_dialogue.prompts.same_object import may_be_same

_CLAUSE = re.compile(
    r"[.;:!?—–,]|(?<!anything )\b(?:but|instead|because|so that|just|only|and then|then)\b"
    rf"|\band (?=(?:do|please|{'|'.join(ACT_OF)})\b)",
    re.IGNORECASE,
)
_NEGATION = re.compile(
    r"\b(?:don't|do not|never|must not|mustn't|shouldn't|should not|no need to|without|stop(?= \w+ing\b)|avoid"
    r"|refrain from|not (?!only|just|yet|quite|so|enough|there|sure|finished|done|through)|forget(?: about)?|ignore"
    r"|skip|leave (?=.{0,100}\b(?:alone|be|where|there|as)\b)|stay away from|keep (?:off|away from|clear of)|hands off"
    r"|nobody should|no more|anything but)\b",
    re.IGNORECASE,
)
_SOFT = re.compile(
    r"\b(?:do(?:n't| not) (?:forget|stop|wait|hesitate|worry|rush|you|drop|spill|let|squeeze|crush|bump|hit"
    r"|damage|break|tip|we)|never mind|without (?!touch)\w+ing|not until|why (?:don't|not)"
    r"|shouldn't (?:stay|be|remain|stand|you|we)|can't (?:stay|remain|do|go on)|stop (?:at|after|there|here))\b",
    re.IGNORECASE,
)
_PROMISE = re.compile(
    r"\b(?:i'll|i will|i'm going to|i am going to|let me|i can|allow me to|i'm about to|time for me to)\s+"
    r"(?:(?:now|just|then|also|\w+ly|go ahead and) )*([a-z]+\b[^.;!?]*)",
    re.IGNORECASE,
)
_DOING = re.compile(r"(?:^|[.;:,!?]\s*|\bi'm |\bi am |\bnow )([a-z]+ing\b[^.;!?]*)", re.IGNORECASE)
_ASIDE = re.compile(
    r",|(?<!start )(?<!begin )\bwith\b|\b(?:for|so|without|while|as|until|instead|next to|from|after|before|since"
    r"|because|like|not|near|if|when)\b"
)
_VAGUE = frozenset(("approach", "carry"))
"""Kinds of action with words for so many motions that another word does not show another action."""
_OPPOSED = {
    "grasp": "release clean fold turn pour",
    "release": "grasp retreat clean fold pull",
    "approach": "retreat release clean fold",
    "retreat": "approach grasp release open close push pull turn clean fold pour carry",
    "carry": "clean fold retreat",
    "open": "close clean retreat fold",
    "close": "open grasp clean retreat pour",
    "push": "pull clean retreat grasp",
    "pull": "push close clean retreat",
    "turn": "retreat clean grasp release",
    "clean": "grasp release open close pour fold retreat carry",
    "fold": "open grasp release clean retreat pour",
    "pour": "clean grasp fold close retreat release",
}
_DIRECTIONS = frozenset(["up", "down", "away", "back", "off", "forward", "higher", "lower"])


class Grounding(Check):
    """A request that forbids what is done, an answer that promises something else, or talk about nothing of it."""

    name = "grounding"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        span, dialogue, skill = annotation.sample.span, annotation.dialogue, read(annotation.sample.span.skill)
        assert dialogue is not None
        text = f"{dialogue.user_prompt} {dialogue.robot_utterance}"
        if context.language != "en" or in_other_language(text, "en"):
            return None
        others = [*(read(name) for name in dict.fromkeys((*span.history, *span.future))), read_task(span.task)]
        if skill.verb and (finding := _contradiction(dialogue, others, skill)):
            return finding
        if _is_about(text, span, others, skill):
            return None
        reason = f"nothing that is said has to do with what the robot does ({skill.do or skill.text})"
        return Finding("ungrounded", reason)


def _contradiction(dialogue: Dialogue, others: list[Phrase], skill: Phrase) -> Finding | None:
    if clause := _forbidding_clause(dialogue.user_prompt, skill):
        return Finding("forbids_skill", f"the user forbids what the robot then does ({skill.do}): {clause!r}")
    promises = list(_promises(dialogue.robot_utterance))
    if name := _other_object(promises, others, skill):
        return Finding("other_object", f"the robot speaks of {name!r}, but it will {skill.do}")
    if promise := _other_action(promises, dialogue.robot_utterance, skill):
        return Finding("other_action", f"the robot promises to {promise!r}, but it will {skill.do}")
    return None


def _forbidding_clause(text: str, skill: Phrase) -> str:
    """Return the clause that forbids the skill, or ""."""
    for clause in _CLAUSE.split(text.replace("’", "'")):
        negation = _NEGATION.search(clause or "")
        if negation is None or _SOFT.search(clause):
            continue
        rest = clause[negation.end() :]
        if _names_action(rest, skill) or _names_object_alone(rest, skill):
            return clause.strip()
    return ""


def _names_action(text: str, skill: Phrase) -> bool:
    """Return whether the text names the action with its object, its place or a pronoun."""
    words = words_of(_without_names(text, skill.objects))
    same = skill.verb in map(stem, words) or actions(" ".join(words)) & (_actions_of(skill) - _VAGUE)
    if not same or "again" in words or ("gripper" in words and "gripper" not in skill.do):
        return False
    named = {stem(word) for word in words_of(text) if word not in EMPTY} - ACTION_WORDS - {skill.verb}
    if not named or named <= content(skill.do):
        return True
    return any(names(name, text) for name in skill.objects[:1])


def _names_object_alone(text: str, skill: Phrase) -> bool:
    """Return whether the text names the object or its place and no action: the cup, not on the shelf."""
    placed = skill.objects if skill.act in ("release", "carry") else skill.objects[:1]
    name = next((name for name in placed if names(name, text)), None)
    if name is None:
        return False
    rest = content(text) - name_stems(name) - {"touch"}
    return not rest & ACT_OF.keys() and len(rest) <= 2 and "again" not in words_of(text)


def _other_object(promises: list[str], others: list[Phrase], skill: Phrase) -> str:
    """Return an object that the robot promises to act on and does not, or ""."""
    for promise in promises:
        if name := other_attribute(skill.do, _main_clause(promise)):
            return name
    stems = frozenset(stem(word) for promise in promises for word in words_of(promise))
    skill_stems = {stem(word) for word in words_of(skill.do) if word not in EMPTY} - ACTION_WORDS
    if not skill.objects or stems & (skill_stems | {head(name) for name in skill.objects}):
        return ""
    named = sorted({name for phrase in others for name in phrase.objects})
    unrelated = (name for name in named if not any(may_be_same(name, own) for own in skill.objects))
    return next((name for name in unrelated if any(names(name, _main_clause(promise)) for promise in promises)), "")


def _other_action(promises: list[str], text: str, skill: Phrase) -> str:
    """Return a promise that goes against the skill, or "", also where the robot speaks of the skill too."""
    own = _actions_of(skill)
    if promise := _switched(promises, skill):
        return promise
    if not own or actions(text) & own or skill.verb in map(stem, words_of(text)):
        return ""
    opposed = _opposed_to(own) - own
    for promise in promises:
        promised = actions(_main_clause(promise))
        if promised and promised <= opposed:
            return promise.strip()
    return ""


def _switched(promises: list[str], skill: Phrase) -> str:
    """Return a promise to turn on what the skill turns off, or off what it turns on; or ""."""
    for own, other in (("on", "off"), ("off", "on")):
        if skill.act == "switch" and own in (*words_of(skill.do)[1:2], *words_of(skill.do)[-1:]):
            for promise in promises:
                words = words_of(_main_clause(promise))
                if {"turn", "switch"} & set(map(stem, words)) and other in words and own not in words:
                    return promise.strip()
    return ""


def _actions_of(skill: Phrase) -> frozenset[str]:
    """Return the skill's kinds of action, by all its words; that of its verb only where no other opposes it."""
    named = actions(_without_names(skill.do, skill.objects))
    return named | ({skill.act} & (ACTIONS.keys() - _opposed_to(named)))


def _opposed_to(kinds: Iterable[str]) -> set[str]:
    return {other for kind in kinds for other in _OPPOSED.get(kind, "").split()}


def _without_names(text: str, objects: tuple[str, ...]) -> str:
    """Return the text without the objects' names, whose words may be actions elsewhere: the watering can."""
    stems = frozenset(word for name in objects for word in name_stems(name))
    return " ".join(word for word in words_of(text) if stem(word) not in stems)


def _promises(text: str) -> Iterator[str]:
    """Yield what the robot says that it does or will do."""
    text = text.replace("’", "'")
    for pattern in (_PROMISE, _DOING):
        yield from (match for match in pattern.findall(text) if not match.lower().startswith(("not ", "never ")))


def _main_clause(promise: str) -> str:
    return _ASIDE.split(promise)[0]


def _is_about(text: str, span: SpanContext, others: list[Phrase], skill: Phrase) -> bool:
    """Return whether the text names or implies anything of the skill, the task or the scene."""
    topics = content(span.skill) | content(skill.do) | content(span.task)
    for phrase in others:
        topics |= content(phrase.do) | content(phrase.text)
    if not topics or content(text) & topics:
        return True
    label = set(words_of(skill.do or skill.text))
    return bool(actions(text) & _actions_of(skill)) or bool(_DIRECTIONS & label & set(words_of(text)))
