"""What the user forbids, compared with what the robot does and says."""

from collections.abc import Iterator, Sequence

from pgen.records import Dialogue, Finding, Scope
from pgen_dialogue.checks.attributes import other_attribute
from pgen_dialogue.checks.ban import IT, Ban
from pgen_dialogue.checks.bans import bans
from pgen_dialogue.checks.focus import is_positive, is_verb, requested
from pgen_dialogue.checks.lexicon import DISTINCT, acts
from pgen_dialogue.checks.naming import names_object, names_place
from pgen_dialogue.checks.promises import promised_acts
from pgen_dialogue.checks.scope import ScopeFacts, SkillFacts, head_of, matches, mentioned
from pgen_dialogue.checks.things import is_object, places_apart, same, singular
from pgen_dialogue.checks.words import stem
from pgen_dialogue.english.clauses import Clause, clauses, plain_words
from pgen_dialogue.english.noun_phrases import CLOSED, NounPhrase
from pgen_dialogue.english.speech_acts import promise_verbs
from pgen_dialogue.english.verbs import form_of
from pgen_dialogue.english.word_lists import word_lists
from pgen_dialogue.english.words import PRONOUNS

_LISTS = {name: frozenset(words) for name, words in word_lists("pgen_dialogue.checks", "bans.toml").items()}


_BRINGING = frozenset(("place", "lower", "carry", "letgo", "push"))
"""Kinds of action whose places are where the thing ends."""
_VERBS = frozenset(("is", "'s", "are", "was", "were", "has", "have", "do", "does", "can", "must", "should"))
_BRINGING_NOTHING = frozenset(("open", "close", "grasp", "clench", "lift", "approach", "retreat"))
_SUBJECTS = PRONOUNS | {"i", "we", "he", "she", "they", "who", "which"}
_OPENINGS = frozenset(("door", "lid", "flap"))
_OUT_OF = frozenset(("from", "off", "out"))


def constraint_finding(dialogue: Dialogue, scope: ScopeFacts, kind: Scope) -> Finding | None:
    """Return a finding where the robot does, or says that it will do, what the user forbids."""
    forbidden: Sequence[Ban] = bans(dialogue.user_prompt, scope.scene)
    if kind == "standing":
        forbidden = [ban for ban in forbidden if not _is_vague(ban)]
    else:
        asks = _asks(dialogue.user_prompt, forbidden, scope)
        also = _asked_kinds(dialogue.user_prompt, forbidden)
        forbidden = [ban for ban in forbidden if not _may_ask(ban, scope) and not (asks and _is_vague(ban))]
        forbidden = [ban for ban in forbidden if not _is_lifted(ban, dialogue, also, scope)]
    for ban in forbidden:
        if broken := next((skill for skill in scope.skills if violates(ban, skill, scope)), None):
            what = broken.phrase.do or broken.phrase.text
            if kind == "standing":
                return Finding("standing_violated", f"the user forbids ({ban.text!r}) what a later skill does ({what})")
            return Finding("forbids_skill", f"the user forbids what the robot then does ({what}): {ban.text!r}")
    spoken = clauses(dialogue.robot_utterance)
    for ban in (ban for ban in forbidden if not (ban.stays and _brings_there(ban, scope))):
        if clause := next(_forgotten(ban, [clause for clause in spoken if not _respects(clause, ban)]), None):
            return Finding("forgets_constraint", f"the user says {ban.text!r}, but the robot: {clause.text!r}")
    return None


def _is_lifted(ban: Ban, dialogue: Dialogue, also: frozenset[str], scope: ScopeFacts) -> bool:
    """Return whether a text asks, beside what it forbids, for what the scope does."""
    asked = bool(ban.kinds & also & scope.kinds) and not _is_named(ban, scope)
    own = ban.thing is not None and matches(ban.thing, scope.handled)
    asked = asked or (own and not ban.kinds and bool(also & scope.kinds) and " stay" in ban.text.lower())
    return asked or _contrasts(ban, dialogue, scope) or _ends_there(ban, also)


def _respects(clause: Clause, ban: Ban) -> bool:
    """Return whether the robot says that it respects a constraint: at all, or later if the user only delays."""
    if _LISTS["delaying"] & set(plain_words(ban.text)) and _LISTS["later"] & set(clause.words):
        return True
    return bool(_LISTS["respecting"] & set(clause.words)) or clause.has(*_LISTS["around"])


def violates(ban: Ban, skill: SkillFacts, scope: ScopeFacts) -> bool:
    """Return whether a skill does what the ban forbids."""
    if not skill.phrase.verb and not (ban.thing and ban.thing.words):
        return False
    if ban.verb and _starts_with_control(ban, skill, scope):
        return True  # "don't start it" before "press the start button"
    if ban.thing and ban.thing.words == (skill.phrase.verb,) and not ban.kinds and _is_open(ban.place):
        return True  # "don't use the vacuum" before "vacuum the rug"
    waits = "yet" in ban.text.lower().split() and skill.kinds <= {"approach", "lower"}  # "don't touch it yet"
    lets_go = "letgo" in skill.kinds and skill.kinds <= {"letgo", "open"} and ban.place is None
    if not ban.kinds and (
        "retreat" in skill.kinds or lets_go or (waits and not ban.verb) or _is_only_place(ban, skill)
    ):
        return False
    if ban.stays:
        return _moves(ban, skill, scope)
    if any(_names_other(phrase, skill, scope) for phrase in (ban.thing, ban.place)) and not _is_opening(ban, scope):
        return False
    if ban.kinds or ban.verb:
        puts = "place" in ban.kinds and ban.place is not None and bool(skill.kinds & {"lower", "letgo", "push", "pour"})
        return puts or _is_same_action(ban, skill)
    return bool(ban.thing or (ban.place and ban.place.words))


def _is_opening(ban: Ban, scope: ScopeFacts) -> bool:
    """Return whether a ban on opening or closing is about a door that no label names: that of the cabinet."""
    head = head_of(ban.thing) if ban.thing else ""
    return bool(ban.kinds & {"open", "close"}) and head in _OPENINGS and head not in scope.scene


def _is_only_place(ban: Ban, skill: SkillFacts) -> bool:
    """Return whether a ban is on bringing things to a place, and a skill brings none: "nothing goes in the oven"."""
    brings = not _BRINGING_NOTHING & skill.kinds
    return ban.thing is None and not brings and not _OUT_OF & set(plain_words(ban.text))


def _is_same_action(ban: Ban, skill: SkillFacts) -> bool:
    """Return whether a skill is what a ban forbids; "no hammering", of no thing, is not about all that is pushed."""
    named = any(phrase is not None and phrase != IT for phrase in (ban.thing, ban.place))
    kinds = ban.kinds & skill.kinds & (ban.kinds if named or not ban.verb else DISTINCT)
    return bool(kinds) or ban.verb == skill.phrase.verb


def _starts_with_control(ban: Ban, skill: SkillFacts, scope: ScopeFacts) -> bool:
    """Return whether a skill's control is named after what is forbidden: "the start button", "the brew switch"."""
    named = {stem(word) for word in plain_words(skill.phrase.do)[1:]}
    forbidden = (
        {ban.verb, *(stem(word) for word in ban.thing.words if word.endswith("ing"))} if ban.thing else {ban.verb}
    )
    known = ban.thing is None or not ban.thing.words or "ing" in ban.thing.words[-1] or matches(ban.thing, scope.scene)
    operates = known and bool(skill.kinds & {"on", "off", "push", "turn"})
    return bool(forbidden & named) and (operates or not _names_other(ban.thing, skill, scope))


def _is_open(place: NounPhrase | None) -> bool:
    """Return whether no place is named: none, or "on this one"."""
    return place is None or not place.words or place.words == ("one",)


def _may_ask(ban: Ban, scope: ScopeFacts) -> bool:
    """Return whether it is of the form "hold the mustard", which may ask to hold it."""
    return ban.text.lower().startswith("hold the ") and bool(scope.kinds & {"hold", "clench", "grasp", "lift"})


def _asks(text: str, forbidden: Sequence[Ban], scope: ScopeFacts) -> bool:
    """Return whether a text asks for an action or names the scope's thing, beside what it forbids."""
    forbidding = {ban.text for ban in forbidden}
    others = [clause for clause in clauses(text) if clause.text not in forbidding]
    return any(requested(clause) or mentioned(clause.words, scope.handled) for clause in others)


def _asked_kinds(text: str, forbidden: Sequence[Ban]) -> frozenset[str]:
    """Return the kinds of action that a text asks for beside what it forbids: "do not shelve it, put it here"."""
    forbidding = {ban.text for ban in forbidden}
    asked = (requested(clause) for clause in clauses(text) if clause.text not in forbidding and is_positive(clause))
    return frozenset().union(*(act.kinds for act in asked if act))


def _contrasts(ban: Ban, dialogue: Dialogue, scope: ScopeFacts) -> bool:
    """Return whether a text sets a thing apart from the scope's by its name: "on the mat, not the carpet"."""
    named = ban.thing is not None and bool(ban.thing.words) and head_of(ban.thing) not in {*scope.own, "one"}
    if ban.kinds or not named or not ban.text.lower().startswith("not "):
        return False
    others = (clause for clause in clauses(dialogue.user_prompt) if clause.text != ban.text)
    return any(mentioned(clause.words, scope.own) for clause in others)


def _is_named(ban: Ban, scope: ScopeFacts) -> bool:
    """Return whether a ban names the scope's own verb: "don't scrub it, wipe it" before it is scrubbed."""
    return any(ban.verb == skill.phrase.verb for skill in scope.skills)


def _ends_there(ban: Ban, also: frozenset[str]) -> bool:
    """Return whether a thing is to stay where it is to be brought: "take it to the pantry and leave it there"."""
    return bool(also & _BRINGING) and ban.text.lower().startswith("and leave ") and not ban.kinds


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
    asks = (
        "leave" in ban.text.lower()
        and bool(skill.kinds & {"place", "lower", "letgo"})
        and not _stays_elsewhere(ban, skill)
    )
    if _brings_there(ban, scope) or asks:
        return False  # "leave it on the table" may ask to put it there
    return ban.thing is not None and (not ban.thing.words or names_object(ban.thing, skill, scope))


def _stays_elsewhere(ban: Ban, skill: SkillFacts) -> bool:
    """Return whether a thing is to stay at another place than where a skill puts it: on the floor, not on the hook."""
    head = head_of(ban.place) if ban.place else ""
    return bool(head and skill.places) and all(
        places_apart(head, singular(place.split()[-1])) for place in skill.places
    )


def _brings_there(ban: Ban, scope: ScopeFacts) -> bool:
    """Return whether one of the scope's skills brings something to the place where the ban's thing is to stay."""
    bringing = (skill for skill in scope.skills if skill.kinds & _BRINGING)
    return ban.place is not None and any(names_place(ban.place, skill, scope) for skill in bringing)


def _forgotten(ban: Ban, listed: list[Clause]) -> Iterator[Clause]:
    """Yield the robot's clauses that go against a ban."""
    named = ban.thing if ban.thing and ban.thing.words else ban.place
    for clause in listed:
        promised = frozenset().union(*(act.kinds for act in promised_acts(clause)))
        does = bool(promised) or any(is_verb(clause.words, index) for index in promise_verbs(clause))
        names = named is not None and bool(named.words) and _names(clause.words, named)
        pronoun = bool({"it", "them", "that", "this", "those"} & set(clause.words))
        goes = clause.has("can go", "goes", "going", "will", "gets") or (not ban.kinds and (does or _lists(clause)))
        if (names and goes) or (ban.kinds & promised and (names or named is None or pronoun)):
            yield clause


def _names(words: tuple[str, ...], thing: NounPhrase) -> bool:
    """Return whether a clause names a thing: by its noun with no other colour, size or side, or by its side alone."""
    head, own = singular(thing.words[-1]), frozenset(map(singular, thing.words))
    if head in ("one", "thing"):
        return False
    named = [index for index, word in enumerate(words) if same(singular(word), head) and not _is_modal(words, index)]
    named = [index for index in named if not _is_other_compound(words, index, own)]
    if any(not other_attribute(" ".join(thing.words), " ".join(words[max(0, i - 3) : i + 1])) for i in named):
        return True
    sides = own & _LISTS["sides"]
    return any(words[index] in sides and words[index - 1] == "the" for index in range(1, len(words)))


def _is_modal(words: tuple[str, ...], index: int) -> bool:
    """Return whether the word is the verb of "I can do that", and no tin."""
    return words[index] == "can" and (not index or words[index - 1] in _SUBJECTS)


def _is_other_compound(words: tuple[str, ...], index: int, own: frozenset[str]) -> bool:
    before = singular(words[index - 1]) if index else ""
    contrasts = len(own) > 1 and before not in CLOSED and not form_of(before)  # the everyday glasses, not the good ones
    return (is_object(before) or contrasts) and before not in own


def _lists(clause: Clause) -> bool:
    """Return whether a clause names things and has no verb of its own: "cheese and a few slices of tomato"."""
    listing = bool(_LISTS["listing"] & set(clause.words)) and not {"is", "'s", "are", "was"} & set(clause.words)
    return len(clause.words) < 4 or listing or not (any(acts(clause.words)) or _VERBS & set(clause.words))
