"""The check `grounding`: what is said agrees with what the robot does, and is about it. For English.

Nothing can be known of the pictures here, so a thing is only taken for a wrong one where the episode or the
task names it, or where it is of the same kind with another colour, size or side. It prefers to miss a fault over
finding one that is none; other languages pass.
"""

import re
from collections.abc import Iterator

from pgen.components import Check, Context
from pgen.records import Annotation, Dialogue, Finding, Sample
from pgen_dialogue.checks.language import other_than
from pgen_dialogue.checks.marks import mismarked, names
from pgen_dialogue.checks.words import DEEDS, EMPTY, around, content, deeds, head, stem, thing, words_of
from pgen_dialogue.english import Phrase, read
from pgen_dialogue.english.words import ACT_OF
from pgen_dialogue.prompts.grounding_facts import may_be_same

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
"""Deeds that go by words for so many motions that another word is no sign of the same one."""
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
_AWAY = frozenset(["up", "down", "away", "back", "off", "forward", "higher", "lower"])


class Grounding(Check):
    """A request that forbids what is done, an answer that promises something else, or talk about nothing of it."""

    name = "grounding"

    def check(self, annotation: Annotation, context: Context) -> Finding | None:
        sample, dialogue, now = annotation.sample, annotation.dialogue, read(annotation.sample.span.skill)
        assert dialogue is not None
        said = f"{dialogue.user_prompt} {dialogue.robot_utterance}"
        if context.language != "en" or other_than(said, "en"):
            return None
        if now.verb and (finding := _contradiction(dialogue, sample, now)):
            return finding
        if _about(said, sample, now):
            return None
        told = f"nothing that is said has to do with what the robot does ({now.do or now.text})"
        return Finding("ungrounded", told)


def _contradiction(dialogue: Dialogue, sample: Sample, now: Phrase) -> Finding | None:
    if clause := _forbidding(dialogue.user_prompt, now):
        return Finding("forbids_skill", f"the user forbids what the robot then does ({now.do}): {clause!r}")
    promised = list(_promises(dialogue.robot_utterance))
    if other := _other_thing(promised, sample, now):
        return Finding("other_object", f"the robot speaks of {other!r}, but it will {now.do}")
    if other := _other_deed(promised, dialogue.robot_utterance, now):
        return Finding("other_action", f"the robot promises to {other!r}, but it will {now.do}")
    return None


def _forbidding(text: str, now: Phrase) -> str:
    """The clause that forbids what is done; empty where none does."""
    for clause in _CLAUSE.split(text.replace("’", "'")):
        found = _NEGATION.search(clause or "")
        if found is None or _SOFT.search(clause):
            continue
        after = clause[found.end() :]
        if _names_deed(after, now) or _names_thing_alone(after, now):
            return clause.strip()
    return ""


def _names_deed(text: str, now: Phrase) -> bool:
    """The deed with its thing, with where it goes, or with a pronoun for it."""
    words = words_of(_without(text, now.objects))
    same = now.verb in map(stem, words) or deeds(" ".join(words)) & (_deeds_of(now) - _VAGUE)
    if not same or "again" in words or ("gripper" in words and "gripper" not in now.do):
        return False
    named = {stem(word) for word in words_of(text) if word not in EMPTY} - _VERBS - {now.verb}
    if not named or not now.objects:
        return not named or named <= content(now.do)
    return any(names(name, text) for name in now.objects[:1]) or named <= content(now.do)


def _names_thing_alone(text: str, now: Phrase) -> bool:
    """The thing itself, or where it is to go, and no deed: leave the cup alone, not the cup, not on the shelf."""
    placed = now.objects if now.act in ("release", "carry") else now.objects[:1]
    name = next((name for name in placed if names(name, text)), None)
    if name is None:
        return False
    rest = content(text) - thing(name) - {"touch"}
    return not rest & ACT_OF.keys() and len(rest) <= 2 and "again" not in words_of(text)


def _other_thing(promised: list[str], sample: Sample, now: Phrase) -> str:
    """A thing that the robot says it acts on, and does not."""
    for said in promised:
        if wrong := mismarked(now.do, _ASIDE.split(said)[0]):
            return wrong
    stems = frozenset(stem(word) for said in promised for word in words_of(said))
    own = {head(name) for name in now.objects} | {stem(word) for word in words_of(now.do) if word not in EMPTY} - _VERBS
    if not now.objects or stems & own:
        return ""
    named = {name for phrase in around(sample) for name in phrase.objects}
    strangers = (name for name in sorted(named) if not any(may_be_same(name, mine) for mine in now.objects))
    return next((name for name in strangers if _acted_on(name, promised)), "")


def _acted_on(name: str, promised: list[str]) -> bool:
    """Whether the thing is in what is promised, and not in an aside."""
    return any(names(name, _ASIDE.split(said)[0]) for said in promised)


def _other_deed(promised: list[str], text: str, now: Phrase) -> str:
    """A deed that the robot promises and that goes against what it does; empty where it speaks of its own too."""
    own = _deeds_of(now)
    if wrong := _switched(promised, now):
        return wrong
    if not own or deeds(text) & own or now.verb in map(stem, words_of(text)):
        return ""
    against = {deed for mine in own for deed in _OPPOSED.get(mine, "").split()} - own
    for said in promised:
        meant = deeds(_ASIDE.split(said)[0])
        if meant and meant <= against:
            return said.strip()
    return ""


def _switched(promised: list[str], now: Phrase) -> str:
    """What a robot promises that turns on what it turns off, or off what it turns on."""
    for own, other in (("on", "off"), ("off", "on")):
        if now.act == "switch" and own in (*words_of(now.do)[1:2], *words_of(now.do)[-1:]):
            for said in promised:
                words = words_of(_ASIDE.split(said)[0])
                if {"turn", "switch"} & set(map(stem, words)) and other in words and own not in words:
                    return said.strip()
    return ""


def _deeds_of(now: Phrase) -> frozenset[str]:
    """What the skill does, in every word that people may have for it; its kind counts where the verb has no other."""
    named = deeds(_without(now.do, now.objects)) & set(DEEDS)
    against = {deed for mine in named for deed in _OPPOSED.get(mine, "").split()}
    return named | ({now.act} & (set(DEEDS) - against))


def _without(text: str, things: tuple[str, ...]) -> str:
    """The text without the things' names, which may hold words that are deeds elsewhere: the watering can."""
    named = frozenset(word for name in things for word in thing(name))
    return " ".join(word for word in words_of(text) if stem(word) not in named)


def _promises(text: str) -> Iterator[str]:
    """What the robot says that it does."""
    text = text.replace("’", "'")
    for pattern in (_PROMISE, _DOING):
        yield from (said for said in pattern.findall(text) if not said.lower().startswith(("not ", "never ")))


def _about(said: str, sample: Sample, now: Phrase) -> bool:
    """Whether either of the two names or implies anything of the skill, the task or the scene."""
    known = content(sample.span.skill) | content(now.do) | content(sample.span.task)
    for phrase in around(sample):
        known |= content(phrase.do) | content(phrase.text)
    if not known or content(said) & known:
        return True
    label = set(words_of(now.do or now.text))
    return bool(deeds(said) & _deeds_of(now)) or bool(_AWAY & label & set(words_of(said)))


_VERBS = frozenset(word for words in DEEDS.values() for word in words.split())
