"""The facts about a span that the phrases insert; each only where it is grounded.

do, doing          the next skill ("pick up the cup", "picking up the cup")
do_it, doing_it    the same with a pronoun for its object, if it has one ("pick it up")
do_so, doing_so    the same, if the previous other skill names that object already; else as do, doing
obj                its object, with the words that agree: them/it (as object, subject), is, has, s; dest: where it goes
last_doing, last_done  the previous other skill; task: the task, if it does not contradict the skill
not_obj, not_do, not_doing, not_done  what a negative request forbids; care, other: a constraint, an object to mind
label              the skill's own words, if no action could be read from them

A name in capitals ("Do") has the same text with a capital.
"""

from random import Random

from pgen.records import SpanContext
from pgen_dialogue.english import Phrase, read, read_task
from pgen_dialogue.english.nouns import is_several
from pgen_dialogue.english.verbs import gerund
from pgen_dialogue.prompts.grounding_facts import exclusions, previous_skill, uninvolved_objects
from pgen_dialogue.prompts.reply_schema import sayable
from pgen_dialogue.prompts.same_object import may_be_same
from pgen_dialogue.template.phrasebook import compose, phrases

_LONGEST_ASIDE, _LONGEST_TASK = 70, 40
_LONGEST_LABEL = 150
_RESTING = {"into": "in", "onto": "on", "to": "at"}
_NEED_PLACE = ("put", "set", "lay", "place")
_PLACING = ("in", "on", "inside", "under", "beside", "behind", "above", "between", "over", "at", "near", "below")
_AGREEING = ("them", "it", "is", "has", "s")
_SINGULAR, _PLURAL = ("it", "it", "is", "has", "s"), ("them", "they", "are", "have", "")


def facts_of(span: SpanContext, random: Random) -> dict[str, str]:
    """Return the facts of a span; where several would serve, one is drawn."""
    phrase = read(span.skill)
    if not phrase.verb:
        label = sayable(phrase.text, _LONGEST_LABEL)
        return {"label": label} if label else {}
    facts = {"do": phrase.do, "doing": phrase.doing}
    facts |= _object(phrase) | _previous(span) | _task(span, phrase) | _forbidden(span, random)
    if others := [name for name in uninvolved_objects(span) if len(name) < _LONGEST_ASIDE]:
        facts["other"] = random.choice(others)
    facts["care"] = _care(phrase, facts, random)
    mentioned = facts.get("obj") and facts["obj"] in facts.get("last_doing", "")
    facts |= {f"{name}_so": facts[f"{name}_it" if mentioned else name] for name in ("do", "doing")}
    return with_capitals({name: text for name, text in facts.items() if text})


def in_other_words(facts: dict[str, str], random: Random) -> dict[str, str]:
    """Return the facts with a synonym of the verb, if it has one."""
    for verb, synonyms in phrases()["synonyms"].items():
        if facts["do"].startswith(f"{verb} "):
            usable = [other for other in synonyms if other not in _NEED_PLACE or "dest" in facts]
            other = random.choice(usable or [verb])
            changed = {
                "do": other + facts["do"].removeprefix(verb),
                "doing": _gerund(other) + facts["doing"].removeprefix(_gerund(verb)),
            }
            changed |= {f"{name}_so": text for name, text in changed.items() if facts[f"{name}_so"] == facts[name]}
            return facts | with_capitals(changed)
    return facts


def with_capitals(facts: dict[str, str]) -> dict[str, str]:
    """Return the facts, each also with a capital."""
    return facts | {_capital(name): _capital(text) for name, text in facts.items()}


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _gerund(words: str) -> str:
    verb, space, rest = words.partition(" ")
    return gerund(verb) + space + rest


def _object(phrase: Phrase) -> dict[str, str]:
    if not phrase.objects:
        return {"them": "it", "do_it": phrase.do, "doing_it": phrase.doing}
    name = phrase.objects[0]
    facts = {"obj": name, "do_it": phrase.do_it, "doing_it": phrase.doing_it, **_agreement(name)}
    preposition, _, place = phrase.where.partition(" ")
    preposition = _RESTING.get(preposition, preposition)
    if phrase.act in ("release", "carry") and preposition in _PLACING and phrase.do.endswith(phrase.where):
        facts["dest"] = f"{preposition} {place}"
    return facts


def _agreement(name: str, prefix: str = "") -> dict[str, str]:
    words = _PLURAL if is_several(name.lower().split()) else _SINGULAR
    return {f"{prefix}{key}": word for key, word in zip(_AGREEING, words, strict=True)}


def _previous(span: SpanContext) -> dict[str, str]:
    last = previous_skill(span)
    if last is None or not last.verb or len(last.doing) > _LONGEST_ASIDE:
        return {}
    return {"last_doing": _shortened(last.doing, last), "last_done": _shortened(last.done, last)}


def _task(span: SpanContext, phrase: Phrase) -> dict[str, str]:
    """Return the task, unless it is the skill itself or names other objects of the same kind."""
    task = read_task(span.task)
    if not task.verb or len(task.do) > _LONGEST_TASK or task.do == phrase.do:
        return {}
    heads = {name.split()[-1]: name for name in task.objects}
    rivals = ((heads.get(name.split()[-1]), name) for name in phrase.objects)
    return {} if any(rival and not may_be_same(rival, name) for rival, name in rivals) else {"task": task.do}


def _forbidden(span: SpanContext, random: Random) -> dict[str, str]:
    excluded = exclusions(span)
    choices: list[str | Phrase] = [*excluded.objects]
    choices += [action for action in excluded.actions if len(action.doing) <= _LONGEST_ASIDE]
    if not choices:
        return {}
    chosen = random.choice(choices)
    if isinstance(chosen, str):
        return {"not_obj": chosen, **_agreement(chosen, "not_")}
    texts = {"not_do": chosen.do, "not_doing": chosen.doing, "not_done": chosen.done}
    return {name: _shortened(text, chosen) for name, text in texts.items()}


def _shortened(text: str, phrase: Phrase) -> str:
    """Return the text without the adverb before its verb and, if the verb allows it, without the place."""
    first, _, rest = text.partition(" ")
    text = rest if first.endswith("ly") else text
    return text.removesuffix(f" {phrase.where}") if phrase.where and phrase.verb not in _NEED_PLACE else text


def _care(phrase: Phrase, facts: dict[str, str], random: Random) -> str:
    care, words = phrases()["care"], set(phrase.do.split())
    choices = [text for text in [*care["any"], *care.get(phrase.act, [])] if not words.intersection(text.split())]
    text = compose(choices, facts, random)
    return text[:1].lower() + text[1:]
