"""What a user would not say: an echo, a refusal, the robot's words, a question or talk that leads to nothing."""

from collections.abc import Iterable
from itertools import pairwise

from pgen.records import Dialogue, Finding, Scope
from pgen_dialogue.checks.lexicon import act_at, acts, fitting
from pgen_dialogue.checks.phrases import PHRASES
from pgen_dialogue.checks.promises import promised_acts
from pgen_dialogue.checks.questions import leads_nowhere
from pgen_dialogue.checks.scope import ScopeFacts, mentioned
from pgen_dialogue.checks.small_talk import asks_for_action, is_aside, is_small_talk
from pgen_dialogue.english.clauses import Clause, clauses, plain_words

_SWAPPED = {"i": "you", "my": "your", "me": "you", "mine": "yours", "am": "are"}
_NEARLY = 0.9
"""From what share of common words on two texts are the same."""
_IN_ORDER = 0.7
"""From what share of common pairs of neighbours: "upside down in the middle" may be answered in another order."""


def user_finding(dialogue: Dialogue, scope: ScopeFacts, kind: Scope) -> Finding | None:
    """Return what is wrong with how the user speaks, or None."""
    text = dialogue.user_prompt
    listed = clauses(text)
    if _is_echo(text, dialogue.robot_utterance):
        return Finding("echo", f"both say the same ({text!r}); the robot answers in its own words")
    if kind != "standing" and _refuses(listed, scope):
        return Finding("refusal", f"the user refuses ({text!r}); a user asks the robot for something")
    if clause := _robots_words(listed, scope, kind):
        return Finding("wrong_speaker", f"the user says what the robot would say ({clause.text!r})")
    if kind != "standing" and _only_asks(listed, scope):
        return Finding("counter_question", f"the user only asks ({text!r}), which leads to no skill")
    if kind == "step" and is_small_talk(listed, dialogue.robot_utterance, scope):
        return Finding("ungrounded", f"the user says nothing that leads to the skill ({text!r})")
    return None


def _is_echo(user: str, robot: str) -> bool:
    first, second = ([_SWAPPED.get(word, word) for word in plain_words(text)] for text in (user, robot))
    if len(first) < 3:
        return False
    if first == second:
        return True
    if not any(act.kinds for act in acts(tuple(first))):
        return False  # "up to the second line" may be repeated with a verb
    return (
        len(first) > 4 and _common(first, second) >= _NEARLY and _common(pairwise(first), pairwise(second)) >= _IN_ORDER
    )


def _common[T](first: Iterable[T], second: Iterable[T]) -> float:
    """Return how much two texts have in common, from 0 to 1."""
    a, b = set(first), set(second)
    return 2 * len(a & b) / (len(a) + len(b))


def _refuses(listed: tuple[Clause, ...], scope: ScopeFacts) -> bool:
    """Return whether the user refuses: by a usual phrase, or says what the robot does and will not do it."""
    for clause in listed:
        refused = clause.has(*PHRASES["refusing"]) and "you" not in clause.words
        if refused and any(
            act.kinds & fitting(scope.kinds) or act.verb == "get" for act in acts(clause.words, "base gerund")
        ):
            return True
    if any(clause.has(*PHRASES["refusal"]) for clause in listed):
        return True
    regrets = any(clause.has(*PHRASES["regret"]) for clause in listed)
    unable = any(clause.has(*PHRASES["inability"]) for clause in listed)
    return regrets and unable and not any(map(asks_for_action, listed))


def _robots_words(listed: tuple[Clause, ...], scope: ScopeFacts, kind: Scope) -> Clause | None:
    """Return a clause of the user that the robot would say, or that tells what the robot does."""
    if any(clause.has(*PHRASES["request"]) for clause in listed):
        return None
    agreed = bool(listed) and f"{listed[0].plain} ".startswith(tuple(f"{phrase} " for phrase in PHRASES["agreement"]))
    own = kind != "standing" or agreed  # who sets a condition may say what they do themselves
    for clause in listed:
        if clause.has(*PHRASES["own_body"]) or _is_about_robot(clause) or (own and _promises(clause, scope, agreed)):
            return clause
    return listed[0] if agreed and len(listed) > 1 and not any(map(asks_for_action, listed)) else None


def _is_about_robot(clause: Clause) -> bool:
    return clause.has(*PHRASES["robot_as_subject"]) and any(acts(clause.words)) and not clause.has(*PHRASES["duty"])


def _promises(clause: Clause, scope: ScopeFacts, agreed: bool) -> bool:
    """Return whether a clause says "I" will do, or "doing", what the robot does."""
    words = clause.words
    first_person = words[0] == "i" or words[:2] == ("let", "me") or clause.has("i will", "i am")
    if not first_person and act_at(words, 0, "gerund") is None:
        return False
    takes = not any("hand" in act.kinds for act in promised_acts(clause)) and not clause.has("for you")
    if first_person and "hand" in scope.kinds and not agreed and takes:
        return False  # "I'll take that" before it is handed over
    if first_person and clause.has("for you") and mentioned(words, scope.handled):
        return True
    kinds = fitting(scope.kinds)
    promised = any(act.kinds & kinds or (agreed and not act.kinds) for act in promised_acts(clause))
    if {"myself", "would"} & set(words):
        return False
    moves = scope.kinds <= {"retreat", "approach"}  # "I'm backing off"
    return promised and (moves or mentioned(words, scope.own) or bool({"it", "that", "them", "this"} & set(words)))


def _only_asks(listed: tuple[Clause, ...], scope: ScopeFacts) -> bool:
    """Return whether all sentences are questions of which none asks for an action."""
    questions = [clause for clause in listed if clause.question]
    if scope.kinds & {"read", "search"} and any({"what", "how", "which"} & set(one.words) for one in questions):
        return False  # "what does it say?" asks to read it
    if not questions or not all(is_aside(clause) for clause in listed if not clause.question):
        return False
    sentences = (tuple(clause for clause in questions if clause.sentence == number) for number in _numbers(questions))
    return all(map(leads_nowhere, sentences))


def _numbers(listed: list[Clause]) -> list[int]:
    return list(dict.fromkeys(clause.sentence for clause in listed))
