"""What can be said about a sample: the names that the phrases use, only where they are grounded.

do, doing          the next skill ("pick up the cup", "picking up the cup")
do_it, doing_it    the same with a pronoun for its thing, where there is one ("pick it up")
do_so, doing_so    the same, where the latest other skill names that thing already; else as do, doing
obj                its thing, with what agrees: them/it (as object, subject), is, has, s; dest: where it goes
last_doing, last_done  the latest other skill; task: the task, where it does not contradict the skill
not_obj, not_do, not_doing, not_done  what a negative forbids; care, other: a constraint, a thing to mind
label              the skill's own words, where no deed could be read from them
"""

from random import Random

from pgen.records import Sample
from pgen_dialogue.english import Phrase, read, read_task
from pgen_dialogue.english.nouns import is_several
from pgen_dialogue.english.verbs import gerund
from pgen_dialogue.prompts.grounding_facts import bystanders, earlier, may_be_same, ruled_out
from pgen_dialogue.prompts.reply_schema import sayable
from pgen_dialogue.template.phrasebook import compose, phrases

_LONGEST_ASIDE, _LONGEST_TASK = 70, 40
_LONGEST_LABEL = 150
_RESTING = {"into": "in", "onto": "on", "to": "at"}
_NEED_PLACE = ("put", "set", "lay", "place")
_ONE = ("it", "it", "is", "has", "s")
_PLACING = ("in", "on", "inside", "under", "beside", "behind", "above", "between", "over", "at", "near", "below")


def facts_of(sample: Sample, random: Random) -> dict[str, str]:
    """The facts of a sample; of several that serve, one is drawn."""
    phrase = read(sample.span.skill)
    if not phrase.verb:
        label = sayable(phrase.text, _LONGEST_LABEL)
        return {"label": label} if label else {}
    facts = {"do": phrase.do, "doing": phrase.doing}
    facts |= _thing(phrase) | _before(sample) | _task(sample, phrase) | _forbidden(sample, random)
    if others := [thing for thing in bystanders(sample) if len(thing) < _LONGEST_ASIDE]:
        facts["other"] = random.choice(others)
    facts["care"] = _care(phrase, facts, random)
    known = facts.get("obj") and facts["obj"] in facts.get("last_doing", "")
    facts |= {f"{name}_so": facts[f"{name}_it" if known else name] for name in ("do", "doing")}
    facts = {name: value for name, value in facts.items() if value}
    return facts | {_capital(name): _capital(value) for name, value in facts.items()}


def in_other_words(facts: dict[str, str], random: Random) -> dict[str, str]:
    """The facts with another verb of the same meaning, where one is known."""
    for known, others in phrases()["synonyms"].items():
        if facts["do"].startswith(f"{known} "):
            other = random.choice([verb for verb in others if verb not in _NEED_PLACE or "dest" in facts] or [known])
            do, doing = other + facts["do"][len(known) :], _gerund(other) + facts["doing"][len(_gerund(known)) :]
            said = {"do": do, "doing": doing}
            said |= {f"{name}_so": text for name, text in said.items() if facts[f"{name}_so"] == facts[name]}
            return facts | said | {_capital(name): _capital(text) for name, text in said.items()}
    return facts


def _gerund(words: str) -> str:
    verb, space, rest = words.partition(" ")
    return gerund(verb) + space + rest


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _thing(phrase: Phrase) -> dict[str, str]:
    if not phrase.objects:
        return {"them": "it", "do_it": phrase.do, "doing_it": phrase.doing}
    thing = phrase.objects[0]
    facts = {"obj": thing, "do_it": phrase.do_it, "doing_it": phrase.doing_it, **_agreement(thing)}
    preposition, _, place = phrase.where.partition(" ")
    preposition = _RESTING.get(preposition, preposition)
    if phrase.act in ("release", "carry") and preposition in _PLACING and phrase.do.endswith(phrase.where):
        facts["dest"] = f"{preposition} {place}"
    return facts


def _agreement(thing: str, prefix: str = "") -> dict[str, str]:
    words = ("them", "they", "are", "have", "") if is_several(thing.lower().split()) else _ONE
    return {f"{prefix}{name}": word for name, word in zip(("them", "it", "is", "has", "s"), words, strict=True)}


def _before(sample: Sample) -> dict[str, str]:
    last = earlier(sample)
    if last is None or not last.verb or len(last.doing) > _LONGEST_ASIDE:
        return {}
    return {"last_doing": _aside(last.doing, last), "last_done": _aside(last.done, last)}


def _task(sample: Sample, phrase: Phrase) -> dict[str, str]:
    """The task, unless it is the skill itself or speaks of other things of the same kind."""
    task = read_task(sample.span.task)
    if not task.verb or len(task.do) > _LONGEST_TASK or task.do == phrase.do:
        return {}
    heads = {thing.split()[-1]: thing for thing in task.objects}
    contradicts = any(
        (rival := heads.get(thing.split()[-1])) and not may_be_same(rival, thing) for thing in phrase.objects
    )
    return {} if contradicts else {"task": task.do}


def _forbidden(sample: Sample, random: Random) -> dict[str, str]:
    may = ruled_out(sample)
    choices: list[str | Phrase] = [*may.things]
    choices += [deed for deed in may.deeds if len(deed.doing) <= _LONGEST_ASIDE]
    if not choices:
        return {}
    chosen = random.choice(choices)
    if isinstance(chosen, str):
        return {"not_obj": chosen, **_agreement(chosen, "not_")}
    said = {"not_do": chosen.do, "not_doing": chosen.doing, "not_done": chosen.done}
    return {name: _aside(text, chosen) for name, text in said.items()}


def _aside(text: str, phrase: Phrase) -> str:
    """In short, without the adverb before the verb and, for a thing, without where it goes."""
    first, _, rest = text.partition(" ")
    text = rest if first.endswith("ly") else text
    return text.removesuffix(f" {phrase.where}") if phrase.where and phrase.verb not in _NEED_PLACE else text


def _care(phrase: Phrase, facts: dict[str, str], random: Random) -> str:
    known = phrases()["care"]
    said = set(phrase.do.split())
    usable = [care for care in [*known["any"], *known.get(phrase.act, [])] if not said.intersection(care.split())]
    care = compose(usable, facts, random)
    return care[:1].lower() + care[1:]
