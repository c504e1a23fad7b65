"""The facts about a sample that the phrases insert; each only where it is grounded.

do, doing          what the dialogue leads to ("pick up the cup", "picking up the cup")
do_it, doing_it    the same with a pronoun for its object, if it has one ("pick it up")
obj, thing         its object, or "that" where no label names it, with the words that agree: is, has, s
where, dest        where it goes ("into the bin"), and where it is then ("in the bin")
result             its object as it is then ("the towel folded")
not_obj, not_do, not_doing  what a negative request forbids, with not_it, not_them, not_is, not_s
other, where_not   what else could have followed: another object, another place
absent             what is not there; first: what the whole task begins with; again, next: these words, where they fit
label              the words of a label in which no action can be read

A name in capitals ("Do") has the same text with a capital.
"""

import re
from dataclasses import replace

from pgen.records import Plan, Sample, SpanContext
from pgen_dialogue.english import Phrase, read
from pgen_dialogue.english.nouns import is_several
from pgen_dialogue.prompts.grounding_facts import alternatives, exclusions
from pgen_dialogue.prompts.phases import names_of, object_of
from pgen_dialogue.prompts.planner import absent_objects
from pgen_dialogue.prompts.reply_schema import sayable
from pgen_dialogue.prompts.same_object import may_be_same
from pgen_dialogue.template.purposes import LONGEST, moved_objects, with_name

_RESTING = {"into": "in", "in": "in", "inside": "inside", "onto": "on", "on": "on", "under": "under"}
_GOING = {"above": "over to", "over": "over to", "towards": "to", "toward": "to"}
_PLACE = re.compile(rf"\b({'|'.join([*_RESTING, *_GOING, 'to'])}) (the .+)\Z")
_PARTICLES = frozenset(("up", "down", "off", "out", "over", "on"))
_UNMOVED = frozenset(("approach", "retreat", "push", "switch", "other"))
"""Kinds of action whose object is not described by a participle: "the box moved to"."""
_REPEATED = re.compile(r"\b(?:again\b|once more\b|re-?(?:gr|tr|att)\w+)", re.IGNORECASE)


def facts_of(sample: Sample, purpose: Phrase, planned: Plan, draw: int) -> dict[str, str]:
    """Return the facts of a sample; `draw` chooses where several would serve."""
    facts = _unless_empty(absent=planned.absent or _drawn(absent_objects(sample.span), draw))
    facts |= _forbidden(sample.span, planned, draw)
    if not purpose.verb:
        text = sayable(" ".join(purpose.text.split()[:LONGEST]), 150)
        return with_capitals(facts | _unless_empty(label=text))
    if planned.excluded or planned.absent:
        purpose = with_name(purpose, sample.span)
    own = replace(sample.span, elsewhere=())  # what other episodes handle need not be there
    moved = moved_objects(sample.span)
    facts |= _unless_empty(first=moved[0] if len(moved) > 1 else "")
    facts |= _purpose(purpose) | _unless_empty(other=_drawn(alternatives(own), draw))
    begun = sample.span.history and sample.question.scope != "episode"
    facts |= _unless_empty(again="" if _REPEATED.search(purpose.do) else "again", next="next" if begun else "")
    facts |= _unless_empty(where_not=_way_to(facts["other"], sample.span) if "other" in facts else "")
    return with_capitals(facts)


def with_capitals(facts: dict[str, str]) -> dict[str, str]:
    """Return the facts, each also with a capital."""
    return facts | {name[:1].upper() + name[1:]: text[:1].upper() + text[1:] for name, text in facts.items()}


def _purpose(phrase: Phrase) -> dict[str, str]:
    name = object_of(phrase.do) if phrase.act in ("release", "carry") else next(iter(phrase.objects), "")
    several = bool(name) and is_several(name.lower().split())
    facts = {"do": phrase.do, "doing": phrase.doing, "thing": name or "that"}
    facts |= {"is": "are", "has": "have", "s": ""} if several else {"is": "is", "has": "has", "s": "s"}
    alone = bool(name) and "," not in phrase.do and not {"it", "them"}.intersection(phrase.do.split())
    facts |= {"do_it": (alone and phrase.do_it) or phrase.do, "doing_it": (alone and phrase.doing_it) or phrase.doing}
    if phrase.act in ("release", "carry") and " and " not in phrase.do and (place := _PLACE.search(phrase.do)):
        facts["where"] = f"{_GOING.get(place[1], place[1])} {place[2]}"
        facts |= _unless_empty(dest=f"{_RESTING[place[1]]} {place[2]}" if place[1] in _RESTING else "")
    return facts | _unless_empty(obj=name, result=_result(phrase, name))


def _result(phrase: Phrase, name: str) -> str:
    """Return the object as it is to be: "the banana on the plate", "the towel folded"."""
    before, found, after = phrase.done.partition(name) if name else ("", "", "")
    words = before.split()
    direct = len(words) == 1 or (len(words) == 2 and words[1] in _PARTICLES)
    if not found or not direct or phrase.act in _UNMOVED or " and " in phrase.done:
        return ""
    if place := _PLACE.fullmatch(after.strip()):
        return f"{name} {_RESTING[place[1]]} {place[2]}" if place[1] in _RESTING else ""
    return " ".join([name, *words, *after.split()])


def _forbidden(span: SpanContext, planned: Plan, draw: int) -> dict[str, str]:
    if planned.scenario_type != "negative_task" or planned.excluded == "":
        return {}
    excluded = exclusions(span)
    actions = {f"{action.doing} again": action for action in excluded.actions}
    name = planned.excluded or _drawn([*excluded.objects, *actions], draw)
    if action := actions.get(name):
        return {"not_do": action.do, "not_doing": action.doing}
    words = ("they", "them", "are", "") if is_several(name.lower().split() or ["it"]) else ("it", "it", "is", "s")
    agreeing = zip(("not_it", "not_them", "not_is", "not_s"), words, strict=True)
    return {"not_obj": name, **dict(agreeing)} if name else {}


def _way_to(name: str, span: SpanContext) -> str:
    """Return where another skill puts something, "" where none puts anything there: "into the right bin"."""
    ways = (_PLACE.search(read(skill).do) for skill in names_of(span))
    return next((f"{_GOING.get(way[1], way[1])} {name}" for way in ways if way and may_be_same(way[2], name)), "")


def _drawn(choices: "tuple[str, ...] | list[str]", draw: int) -> str:
    return choices[draw * len(choices) // 2**32] if choices else ""


def _unless_empty(**facts: str) -> dict[str, str]:
    return {name: text for name, text in facts.items() if text}
