"""What the user forbids, compared with what the robot does and says."""

from collections.abc import Iterator

from pgen.records import Dialogue, Finding, Scope
from pgen_dialogue.checks.attributes import other_attribute
from pgen_dialogue.checks.ban_forms import Ban
from pgen_dialogue.checks.bans import bans
from pgen_dialogue.checks.focus import requested
from pgen_dialogue.checks.lexicon import is_object, same, singular
from pgen_dialogue.checks.naming import names_object, names_place
from pgen_dialogue.checks.promises import promised_acts
from pgen_dialogue.checks.scope import ScopeFacts, SkillFacts, mentioned
from pgen_dialogue.english.clauses import Clause, clauses, plain_words
from pgen_dialogue.english.noun_phrases import NounPhrase
from pgen_dialogue.english.word_lists import word_lists

_LISTS = {name: frozenset(words) for name, words in word_lists("pgen_dialogue.checks", "bans.toml").items()}


_BRINGING = frozenset(("place", "lower", "carry", "letgo", "push"))
"""Kinds of action whose places are where the thing ends."""


def constraint_finding(dialogue: Dialogue, scope: ScopeFacts, kind: Scope) -> Finding | None:
    """Return a finding where the robot does, or says that it will do, what the user forbids."""
    forbidden = bans(dialogue.user_prompt, scope.scene)
    if kind == "standing":
        forbidden = [ban for ban in forbidden if not _is_vague(ban)]
    else:
        asks = _asks(dialogue.user_prompt, forbidden, scope)
        forbidden = [ban for ban in forbidden if not _may_ask(ban, scope) and not (asks and _is_vague(ban))]
    for ban in forbidden:
        if broken := next((skill for skill in scope.skills if violates(ban, skill, scope)), None):
            what = broken.phrase.do or broken.phrase.text
            if kind == "standing":
                return Finding("standing_violated", f"the user forbids ({ban.text!r}) what a later skill does ({what})")
            return Finding("forbids_skill", f"the user forbids what the robot then does ({what}): {ban.text!r}")
    listed = [clause for clause in clauses(dialogue.robot_utterance) if not _LISTS["respecting"] & set(clause.words)]
    for ban in (ban for ban in forbidden if not (ban.stays and _brings_there(ban, scope))):
        if clause := next(_forgotten(ban, listed), None):
            return Finding("forgets_constraint", f"the user says {ban.text!r}, but the robot: {clause.text!r}")
    return None


def violates(ban: Ban, skill: SkillFacts, scope: ScopeFacts) -> bool:
    """Return whether a skill does what the ban forbids."""
    if ban.verb and ban.verb in plain_words(skill.phrase.do)[1:]:
        return True  # "don't start it" before "press the start button"
    if ban.thing and ban.thing.words[-1:] == (skill.phrase.verb,) and not ban.kinds:
        return True  # "don't use the vacuum" before "vacuum the rug"
    waits = "yet" in ban.text.lower().split() and skill.kinds <= {"approach", "lower"}  # "don't touch it yet"
    if not ban.kinds and ("retreat" in skill.kinds or (waits and not ban.verb)):
        return False
    if ban.stays:
        return _moves(ban, skill, scope)
    if any(_names_other(phrase, skill, scope) for phrase in (ban.thing, ban.place)):
        return False
    if ban.kinds or ban.verb:
        puts = "place" in ban.kinds and ban.place is not None and bool(skill.kinds & {"lower", "letgo"})
        return puts or bool(ban.kinds & skill.kinds) or ban.verb == skill.phrase.verb
    return bool(ban.thing or (ban.place and ban.place.words))


def _may_ask(ban: Ban, scope: ScopeFacts) -> bool:
    """Return whether it is of the form "hold the mustard", which may ask to hold it."""
    return ban.text.lower().startswith("hold the ") and bool(scope.kinds & {"hold", "clench", "grasp", "lift"})


def _asks(text: str, forbidden: list[Ban], scope: ScopeFacts) -> bool:
    """Return whether a text asks for an action or names the scope's thing, beside what it forbids."""
    forbidding = {ban.text for ban in forbidden}
    others = [clause for clause in clauses(text) if clause.text not in forbidding]
    return any(requested(clause) or mentioned(clause.words, scope.handled) for clause in others)


def _is_vague(ban: Ban) -> bool:
    """Return whether a ban is about "it", which may be anything: "it can stay there, now close the box"."""
    return ban.thing is not None and not ban.thing.words and not ban.kinds and not ban.verb


def _names_other(phrase: NounPhrase | None, skill: SkillFacts, scope: ScopeFacts) -> bool:
    """Return whether a noun phrase names something that the skill does not use."""
    if phrase is None or not phrase.words:
        return False
    return not names_object(phrase, skill, scope) and not names_place(phrase, skill, scope)


def _moves(ban: Ban, skill: SkillFacts, scope: ScopeFacts) -> bool:
    """Return whether a skill handles what is to stay at a place to which the scope does not bring it."""
    if _brings_there(ban, scope):
        return False
    return ban.thing is not None and (not ban.thing.words or names_object(ban.thing, skill, scope))


def _brings_there(ban: Ban, scope: ScopeFacts) -> bool:
    """Return whether one of the scope's skills brings something to the place where the ban's thing is to stay."""
    bringing = (skill for skill in scope.skills if skill.kinds & _BRINGING)
    return ban.place is not None and any(names_place(ban.place, skill, scope) for skill in bringing)


def _forgotten(ban: Ban, listed: list[Clause]) -> Iterator[Clause]:
    """Yield the robot's clauses that go against a ban."""
    named = ban.thing if ban.thing and ban.thing.words else ban.place
    for clause in listed:
        promised = frozenset().union(*(act.kinds for act in promised_acts(clause)))
        names = named is not None and bool(named.words) and _names(clause.words, named)
        pronoun = bool({"it", "them", "that", "this", "those"} & set(clause.words))
        goes = clause.has("can go", "goes", "going") or (not ban.kinds and (bool(promised) or _lists(clause)))
        if (names and goes) or (ban.kinds & promised and (names or named is None or pronoun)):
            yield clause


def _names(words: tuple[str, ...], thing: NounPhrase) -> bool:
    """Return whether a clause names a thing: by its noun with no other colour, size or side, or by its side alone."""
    head, own = singular(thing.words[-1]), frozenset(map(singular, thing.words))
    if head in ("one", "thing"):
        return False
    named = [index for index, word in enumerate(words) if same(singular(word), head)]
    named = [index for index in named if not _is_other_compound(words, index, own)]
    if any(not other_attribute(" ".join(thing.words), " ".join(words[max(0, i - 3) : i + 1])) for i in named):
        return True
    sides = own & _LISTS["sides"]
    return any(words[index] in sides and words[index - 1] == "the" for index in range(1, len(words)))


def _is_other_compound(words: tuple[str, ...], index: int, own: frozenset[str]) -> bool:
    before = singular(words[index - 1]) if index else ""
    return is_object(before) and before not in own


def _lists(clause: Clause) -> bool:
    """Return whether a clause names things and has no verb of its own: "cheese and a few slices of tomato"."""
    listing = bool(_LISTS["listing"] & set(clause.words)) and not {"is", "'s", "are", "was"} & set(clause.words)
    return len(clause.words) < 4 or listing
