"""What a dialogue leads to, as one phrase: a skill, the purpose of a phase, or the task.

The purpose of a phase is read from its grasp, carry and release skills ("put the milk in the bin"), and from those that
do anything else ("wipe the table and put the sponge in the sink").
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from pgen.records import Sample, SpanContext
from pgen_dialogue.english import Phrase, read, read_task
from pgen_dialogue.english.nouns import is_several
from pgen_dialogue.prompts.phases import is_waiting, names_of, object_of, phase_of, phases_of, place_of
from pgen_dialogue.prompts.same_object import may_be_same
from pgen_dialogue.template.phrasebook import phrases as book

LONGEST = 17
"""Words of a purpose at most."""
_TERSE = 8
"""Words of a task that even somebody who sums it up says."""
_MOVING = ("approach", "grasp", "carry", "release", "retreat")
_RETURNING = ("return", "wait", "stop", "pause", "stay")
_HOISTING = ("pick", "lift", "raise", "take", "get", "fetch")
_RESTING = ("in", "into", "inside", "on", "onto")
_ABOVE = ("above", "over", "towards", "toward")
_PRONOUN = re.compile(r"\b(?:it|them)\b")


def purpose_of(sample: Sample) -> Phrase:
    """Return what the sample's dialogue leads to; without a verb where the labels cannot be read."""
    span, question = sample.span, sample.question
    if question.counterfactual == "other" and question.target:
        return _spoken(question.target)
    if question.scope == "episode":
        brief = question.variant % 2 and len(span.task.split()) > _TERSE
        return (brief and (_headline(span.task) or _care(moved_objects(span)))) or _whole(span)
    if question.scope == "phase":
        name = focus(span)
        return _short(_of_phase(sample.skills, name), 13) or _care([name]) or _spoken(span.skill)
    return _spoken(span.skill)


def purpose(names: Sequence[str]) -> str:
    """Return the purpose of a phase's skills ("put the milk in the bin"); "" where the labels do not show it."""
    return _of_phase(names, _first_object(names))


def focus(span: SpanContext) -> str:
    """Return the object of the span's phase, or ""."""
    names = names_of(span)
    group = phase_of(span)
    return _first_object(names[group.start : group.stop])


def with_name(phrase: Phrase, span: SpanContext) -> Phrase:
    """Return the phrase with the name of its phase's object: beside another object, "it" is vague."""
    name = focus(span)
    vague = name and _PRONOUN.search(phrase.do) and name not in phrase.do
    return read(_PRONOUN.sub(lambda _: name, phrase.do, count=1)) if vague else phrase


def moved_objects(span: SpanContext) -> list[str]:
    """Return the objects that the robot takes, in order."""
    names = names_of(span)
    groups = (names[group.start : group.stop] for group in phases_of(span))
    taken = (group for group in groups if any(read(name).act == "grasp" for name in group))
    return [*dict.fromkeys(it for group in taken if (it := _first_object(group)))]


def _first_object(names: Sequence[str]) -> str:
    """Return the object of a phase's skills: the first, though not where a thing that no label names is taken."""
    for name in names:
        if it := object_of(name):
            return it
        if read(name).act == "grasp":
            return ""
    return ""


def _spoken(name: str) -> Phrase:
    phrase = read(name)
    if is_waiting(name) and not phrase.verb:
        return read("wait for a moment")
    spoken = book()["spoken"].items()
    found = next((it for it in spoken if f"{phrase.do} ".startswith(f"{it[0]} ")), None)
    return read(found[1] + phrase.do.removeprefix(found[0])) if found else phrase


def _short(text: str, longest: int = LONGEST) -> Phrase | None:
    phrase = read(text)
    return phrase if phrase.verb and len(phrase.do.split()) <= longest else None


def _whole(span: SpanContext) -> Phrase:
    """Return the task; what the skills say if it is long, cannot be read, or names other things than they do."""
    task = read_task(span.task)
    unnamed = not task.objects and task.do.endswith(" it")  # "pick and place"
    if task.verb and len(task.do.split()) <= LONGEST and not unnamed and not _contradicts(task, span):
        return replace(task, do=task.do.rstrip(".!?"), doing=task.doing.rstrip(".!?"))
    names = names_of(span)
    groups = [names[group.start : group.stop] for group in phases_of(span)]
    listed = moved_objects(span)
    joined = _joined([_of_phase(it, _first_object(it)) for it in groups])
    if phrase := _short(joined) or _care(listed):
        return phrase
    words = task.text.split()
    return Phrase(task.text) if 0 < len(words) <= LONGEST and (unnamed or not task.verb) else read("do the whole task")


def _headline(task: str) -> Phrase | None:
    """Return what a task says before the details: "sort the groceries: put the bread into the bin, …"."""
    head, colon, _ = task.partition(":")
    return _short(head) if colon else None


def _contradicts(task: Phrase, span: SpanContext) -> bool:
    """Return whether the task names a thing of which the skills use another: the pink brick, and the red one."""
    used = [name for label in names_of(span) for name in read(label).objects]
    rivals = (name for name in task.objects if not any(may_be_same(name, other) for other in used))
    return any(name.split()[-1] == other.split()[-1] for name in rivals for other in used)


def _care(names: Sequence[str]) -> Phrase | None:
    """Return the phrase to deal with some objects, or None for none or too many."""
    text = _listing(names) if any(names) else ""
    if not text or len(text.split()) > LONGEST:
        return None
    pronoun = "them" if is_several(text.split()) else "it"
    forms = {"do": "take", "doing": "taking", "done": "taken", "does": "takes"}
    texts = {form: f"{verb} care of {text}" for form, verb in forms.items()}
    it = {f"{form}_it": f"{forms[form]} care of {pronoun}" for form in ("do", "doing")}
    return Phrase(texts["do"], "take", act="other", objects=(text,), **texts, **it)


def _listing(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _joined(texts: Sequence[str]) -> str:
    """Return several actions in one sentence, or "" where one is missing."""
    return _listing(list(dict.fromkeys(texts))) if texts and all(texts) else ""


def _of_phase(names: Sequence[str], name: str) -> str:
    """Return the purpose of a phase's skills; `name` is its object."""
    acting = [skill for skill in names if not is_waiting(skill)]
    phrases = map(read, acting)
    deeds = [phrase.do for phrase in phrases if phrase.act not in _MOVING and phrase.verb not in _RETURNING]
    if deeds and name and name not in deeds[0]:
        deeds[0] = _PRONOUN.sub(lambda _: name, deeds[0], count=1)
    moved = _placing(acting, name) or ("" if deeds else _moving(acting, name))
    if name and any(name in deed for deed in deeds) and moved:
        moved = read(moved).do_it or moved
    return _joined([*dict.fromkeys(deeds), *([moved] if moved else [])])


def _placing(names: Sequence[str], name: str) -> str:
    """Return where the phase's object is put: "put the milk into the bin", or ""."""
    placed = [skill for skill in names if place_of(skill)]
    if not placed or not name:
        put = [read(skill).do for skill in names if read(skill).act == "release" and object_of(skill)]
        return put[-1] if put and read(put[-1]).verb not in ("open", "release") else ""
    last, first = read(placed[-1]), read(placed[0])
    if last.act == "release":
        named = object_of(placed[-1]) and last.verb != "release"
        return last.do if named else _with_object(last, name, place_of(placed[-1]))
    if not may_be_same(place_of(placed[0]), place_of(placed[-1])):
        way = _preposition(first.do, place_of(placed[0]))
        return f"bring {name} {'over to' if way in _ABOVE else way} {place_of(placed[0])}"
    preposition, place = _preposition(last.do, place_of(placed[-1])), place_of(placed[-1])
    released = any(read(skill).act == "release" for skill in names)
    if released and preposition in _RESTING:
        return f"put {name} {preposition} {place}"
    return f"bring {name} over to {place}" if preposition in _ABOVE else last.do


def _with_object(phrase: Phrase, name: str, place: str) -> str:
    """Return "place it in the bin" or "place in the bin" with the object that is meant."""
    if _PRONOUN.search(phrase.do) and phrase.verb != "release":
        return _PRONOUN.sub(lambda _: name, phrase.do, count=1)
    return f"put {name} {_preposition(phrase.do, place) or 'in'} {place}"


def _preposition(text: str, place: str) -> str:
    before = text.partition(f" {place}")[0].split()
    return before[-1] if before else ""


def _moving(names: Sequence[str], name: str) -> str:
    """Return what becomes of an object of which no label says where it is put."""
    read_names = [read(skill) for skill in names]
    grasped = next((number for number, phrase in enumerate(read_names) if phrase.act == "grasp"), len(names))
    after = read_names[grasped + 1 :]
    goals = [phrase.objects[0] for phrase in after if phrase.act == "approach" and phrase.objects]
    held = f"pick up {name}" if name else "pick it up"
    if any(phrase.act == "release" for phrase in after):
        return f"{held} and {f'bring it over to {goals[-1]}' if goals else 'put it down again'}"
    if any(phrase.verb in _HOISTING for phrase in read_names):
        return held
    main = [phrase.do for phrase in read_names if phrase.act != "retreat"] or [phrase.do for phrase in read_names]
    return main[-1] if main else ""
