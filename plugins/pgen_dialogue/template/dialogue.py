"""Composes a dialogue from the phrases that fit its scope and its plan."""

import re
from collections.abc import Iterator, Sequence
from random import Random

from pgen.records import Plan, Sample
from pgen.seeds import derive
from pgen_dialogue.english import Phrase
from pgen_dialogue.english.verbs import gerund
from pgen_dialogue.prompts.grounding_facts import failed_skill, previous_skill
from pgen_dialogue.prompts.phases import phases_of
from pgen_dialogue.template.facts import facts_of, with_capitals
from pgen_dialogue.template.phrasebook import compose, phrases
from pgen_dialogue.template.purposes import purpose_of
from pgen_dialogue.template.short_names import shortened

MOST_WORDS = 25
"""Words of either text."""
_OWN = re.compile(r"\bthe ((?:left |right )?)(?:robot(?:ic|'s)? )?(gripper|arm|hand|fingers?|wrist)\b(?! of)")
_APART = 3
_OTHER_NAMES = ("not_obj", "other", "absent")


def dialogue(sample: Sample, planned: Plan, seed: int) -> tuple[str, str]:
    """Return the user's prompt and the robot's utterance.

    The wordings of a dialogue take different phrases, as their order depends on the speaker alone.
    """
    question, span = sample.question, sample.span
    order = derive(question.speaker or seed, span.episode_id)
    # A phase has other phrases than its steps, which take new ones as the episode goes on.
    turn = 1 + 2 * sample.span.skill_index if question.scope == "step" else 0
    number = question.variant + _APART * turn
    random = Random(derive(seed, "phrases"))
    purpose = purpose_of(sample)
    facts = facts_of(sample, purpose, planned, derive(seed, "fact"))
    said = in_other_words(facts, random) if random.random() < 0.5 and not is_running(sample) else facts
    said = shortened(said, span) if random.random() < 0.5 else said
    user = _first(_user(sample, planned, purpose), said, order, number, random)
    plain = f"Please {facts['do']}." if "do" in facts else ""
    user = _within_limit(_OWN.sub(r"your \1\2", user), plain, "Please go on with the next step.")
    answer = _with_pronoun(_without_unnamed(facts, said, user), user) if not question.counterfactual else facts
    robot = _first(_robot(sample, planned), answer, derive(order, "robot"), number, random)
    plain = f"Okay, {answer['doing']}." if "doing" in answer else ""
    return user, _within_limit(_OWN.sub(r"my \1\2", robot), plain, "Okay, I'm on it.")


def _first(groups: Iterator[Sequence[str]], facts: dict[str, str], order: int, number: int, random: Random) -> str:
    """Return a text from the first group of phrases in which one is usable, or ""."""
    return next(filter(None, (compose(group, facts, order, number, random) for group in groups)), "")


def _within_limit(text: str, plain: str, last: str) -> str:
    return next((it for it in (text, plain) if 0 < len(it.split()) <= MOST_WORDS), last)


def _user(sample: Sample, planned: Plan, purpose: Phrase) -> Iterator[Sequence[str]]:
    """Yield groups of phrases for the user, the most suitable first."""
    book, question = phrases()["user"], sample.question
    if question.counterfactual:
        yield book[question.counterfactual]
    elif question.scope == "standing":
        yield from (book["standing"], book["standing_any"])
    elif question.scope == "episode":
        yield book["wish"] if planned.scenario_type == "implicit_request" else book["episode"]
        yield book["unread_episode"]
    elif purpose.verb:
        yield from _request(sample, planned, purpose)
        yield book["specific_object"]
    yield from (book["unread"], book["nothing"])


def _request(sample: Sample, planned: Plan, purpose: Phrase) -> Iterator[Sequence[str]]:
    """Yield groups of phrases for a request of a skill or a phase by its type."""
    book = phrases()["user"]
    kind, running = planned.scenario_type, is_running(sample)
    if kind == "negative_task":
        yield from (book["negative_task"], book["negative_other"])
    elif kind == "situated_correction":
        yield _correction(sample, purpose)
    elif kind == "implicit_request":
        wishes = phrases()["implicit"]
        yield from (wishes.get(purpose.act, wishes["other"]), wishes["other"])
    elif kind == "constraint_based":
        yield [phrase for name in _constraints(sample) for phrase in book[name]]
    elif planned.response_type == "error_handling":
        yield book["absent"]
    elif running:
        yield book["running"]


def _correction(sample: Sample, purpose: Phrase) -> Sequence[str]:
    last, after = previous_skill(sample.span), phrases()["after"]
    if is_running(sample):
        choices: Sequence[str] = phrases()["user"]["running"]
    elif failed_skill(sample.span):
        choices = phrases()["user"]["failed"]
    elif last is None or last.act not in after or (last.act == purpose.act and not _goes_on(last, purpose)):
        choices = after["other"]
    else:
        choices = [*after[last.act], *after["other"]]
    return choices


def _goes_on(last: Phrase, purpose: Phrase) -> bool:
    """Return whether a skill follows one of its own kind: to lift what is grasped, to lower what was carried."""
    return (last.act, purpose.verb) in (("grasp", "lift"), ("grasp", "raise"), ("carry", "lower"))


def _constraints(sample: Sample) -> tuple[str, ...]:
    """Return the groups of phrases for a constraint, on which object is next or on where the current one goes."""
    starts = [group.start for group in phases_of(sample.span)]
    if sample.question.scope == "phase" or sample.span.skill_index in starts:
        return ("constraint_object", "constraint_object_alone")
    return ("constraint_place",)


def _robot(sample: Sample, planned: Plan) -> Iterator[Sequence[str]]:
    """Yield groups of phrases for the robot, the most suitable first."""
    book, question, kind = phrases()["robot"], sample.question, planned.response_type or ""
    if question.counterfactual:
        yield book.get(question.counterfactual, book["acknowledgment"])
    elif question.scope == "standing":
        if kind == "constraint_acknowledgment":
            yield from (book["standing"], book["standing_any"])
        yield book["standing_acknowledgment"]
    elif kind == "constraint_acknowledgment":
        forbids = planned.scenario_type == "negative_task"
        names = ("negative_task", "negative_other") if forbids else _constraints(sample)
        yield from (book[name] for name in names)
    elif kind == "error_handling":
        yield book["failed" if planned.scenario_type == "situated_correction" else "absent"]
    elif is_running(sample):
        yield book.get(f"running_{kind}", book["acknowledgment"])
    elif question.scope == "episode":
        yield book.get(f"episode_{kind}", book.get(kind))
    yield from (book.get(kind, book["acknowledgment"]), book["unread"])


def is_running(sample: Sample) -> bool:
    """Return whether the skill that the dialogue leads to is in progress."""
    return sample.question.scope == "step" and sample.moment.running > 0


def in_other_words(facts: dict[str, str], random: Random) -> dict[str, str]:
    """Return the facts with a synonym of the verb, if it has one."""
    text = facts.get("do", "")
    listed: dict[str, list[str]] = phrases()["synonyms"]
    for verb, synonyms in sorted(listed.items(), key=lambda it: -len(it[0])):
        placed = "where" in facts
        usable = [it for it in synonyms if placed or it != "put" if not (placed and it == "let go of")]
        if usable and (text == verb or text.startswith(f"{verb} ")):
            other = random.choice(usable)
            doing = _gerund(other) + facts["doing"].removeprefix(_gerund(verb))
            return facts | with_capitals({"do": other + text.removeprefix(verb), "doing": doing})
    return facts


def _gerund(words: str) -> str:
    verb, space, rest = words.partition(" ")
    return gerund(verb) + space + rest


def _without_unnamed(facts: dict[str, str], said: dict[str, str], user: str) -> dict[str, str]:
    """Return the facts for a robot that does not speak of the other object where the user has not named it."""
    if "other" not in said or said["other"].lower() in user.lower():
        return facts
    return {name: text for name, text in facts.items() if name.lower() not in ("other", "where_not")}


def _with_pronoun(facts: dict[str, str], user: str) -> dict[str, str]:
    """Return the facts for a robot that says "it" for the object that the user has named, and no other beside it."""
    named = user.lower()
    if "obj" not in facts or facts["obj"].lower() not in named:
        return facts
    if any(facts[name].lower() in named for name in _OTHER_NAMES if name in facts):
        return facts
    return facts | with_capitals({"do": facts["do_it"], "doing": facts["doing_it"]})
