"""What a robot would not say: the user's words, an apology without a failure, a refusal or only a question."""

from itertools import pairwise

from pgen.records import Annotation, Dialogue, Finding
from pgen_dialogue.checks.bans import bans
from pgen_dialogue.checks.constraints import violates
from pgen_dialogue.checks.focus import is_verb
from pgen_dialogue.checks.lexicon import act_at, acts, fitting
from pgen_dialogue.checks.persons import is_order, is_persons
from pgen_dialogue.checks.phrases import PHRASES, WORDS
from pgen_dialogue.checks.promises import promised_acts
from pgen_dialogue.checks.scope import ScopeFacts, mentioned
from pgen_dialogue.checks.small_talk import is_aside
from pgen_dialogue.english.clauses import Clause, clauses, plain_words
from pgen_dialogue.english.noun_phrases import object_after
from pgen_dialogue.english.speech_acts import promise_verbs, request_verb
from pgen_dialogue.english.words import NUMBERS
from pgen_dialogue.prompts.grounding_facts import failed_skill

_NUMBERS = tuple((number,) for number in (*NUMBERS, "one"))
"""What makes a verb a noun: "slot one"."""
_POINTING = frozenset(("it", "him", "that", "them"))


def robot_finding(annotation: Annotation, dialogue: Dialogue, scope: ScopeFacts) -> Finding | None:
    """Return what is wrong with how the robot speaks, or None."""
    text, sample = dialogue.robot_utterance, annotation.sample
    listed = clauses(text)
    if clause := _users_words(listed, scope):
        return Finding("wrong_speaker", f"the robot says what the user would say ({clause.text!r})")
    if annotation.plan.absent:
        return None
    if _apologizes(listed, text) and not failed_skill(sample.span):
        return Finding("false_apology", f"the robot is sorry for a failure that did not happen ({text!r})")
    if sample.question.scope == "step" and (left := _leaves(text, scope)):
        return Finding("refusal", f"the robot will not do it ({left!r}), but it will {scope.label}")
    if sample.question.scope != "standing" and _declines(listed, scope):
        return Finding("refusal", f"the robot declines or only asks ({text!r}), but it will {scope.label}")
    return None


def _users_words(listed: tuple[Clause, ...], scope: ScopeFacts) -> Clause | None:
    """Return a clause of the robot that asks for an action."""
    if listed and listed[0].words[0] == "robot":
        return listed[0]
    if not any(map(_starts, listed)) and (order := next((one for one in listed if is_order(one, scope)), None)):
        return order
    promising = {clause.sentence for clause in listed if _promises(clause)}
    for clause in listed:
        if clause.has(*PHRASES["user_wish"]) or is_persons(clause, scope):
            return clause
        if clause.sentence not in promising and _asks(clause, scope):
            return clause
    return None


def _asks(clause: Clause, scope: ScopeFacts) -> bool:
    """Return whether a clause asks for what the robot does: "could you lift it"."""
    if clause.words[0] in ("no", "not", "nothing", "never"):
        return False
    verb = request_verb(clause.words)
    act = act_at(clause.words, verb, "base") if verb is not None else None
    if act is None or clause.words[act.index + 1 : act.index + 2] in _NUMBERS:
        return False
    if clause.has(*PHRASES["asking_robot"]) and (act.kinds or act.verb == "get" or clause.has("for me")):
        return True
    return bool(act.kinds & fitting(scope.kinds)) and act.index < 3 and _has_own_object(clause, act.index, scope)


def _starts(clause: Clause) -> bool:
    """Return whether a clause says what the robot does or will do."""
    words = clause.words
    return any(is_verb(words, index) or words[index].endswith("ing") for index in promise_verbs(clause))


def _promises(clause: Clause) -> bool:
    if clause.has("i am") and not _starts(clause) and not clause.has("i am on", "i am off", "i am at"):
        return False  # "I am late"
    return clause.has(*PHRASES["promising"], "i can") and not clause.has("i can not")


def _has_own_object(clause: Clause, verb: int, scope: ScopeFacts) -> bool:
    """Return whether a verb acts on a thing of the scope or on "it"."""
    thing = object_after(clause.words, verb)
    if thing is None or not (mentioned(clause.words, scope.own) or _POINTING & set(clause.words)):
        return False
    return bool(thing.pronoun) or thing.words[0] != clause.words[verb + 1]  # "right hand side" has no determiner


def _apologizes(listed: tuple[Clause, ...], text: str) -> bool:
    if not any(clause.has(*PHRASES["apology"]) for clause in listed):
        return False
    words = plain_words(text)
    named = any(one in ("for", "about") and _is_fault(other) for one, other in pairwise(words))
    return named or bool(WORDS["failure"] & set(words))


def _is_fault(word: str) -> bool:
    """Return whether a word after "sorry for" begins what went wrong: "crushing it", "the crooked folds"."""
    return word.endswith("ing") or word in ("the", "my", "that")


def _leaves(text: str, scope: ScopeFacts) -> str:
    """Return the clause in which the robot says that it leaves what it should do: "I'll leave the door open"."""
    listed = bans(text, scope.scene)
    others = (clause for clause in clauses(text) if clause.text not in {ban.text for ban in listed})
    if any(act.kinds & fitting(scope.kinds) for clause in others for act in promised_acts(clause)):
        return ""
    said = (ban for ban in listed if ban.kinds or (ban.thing and ban.thing.words))
    return next((ban.text for ban in said if all(violates(ban, skill, scope) for skill in scope.skills)), "")


def _declines(listed: tuple[Clause, ...], scope: ScopeFacts) -> bool:
    """Return whether the robot declines, or only asks, and promises nothing of what it does."""
    never = [act for clause in listed if clause.has("we do not", "i do not") for act in acts(clause.words, "base")]
    if any(act.kinds & fitting(scope.kinds) for act in never) or any(
        clause.has(*PHRASES["decline"]) for clause in listed
    ):
        promised = (act for clause in listed if "not" not in clause.words for act in promised_acts(clause))
        return not any(act.kinds & fitting(scope.kinds) for act in promised)
    does = any(not clause.question and not is_aside(clause) for clause in listed)
    return not does and any(clause.question for clause in listed)
