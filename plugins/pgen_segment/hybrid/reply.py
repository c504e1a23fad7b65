"""The reply about numbered spans: every number exactly once, in order, with the name of its motion and its skill."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pgen.errors import SampleError
from pgen_segment.hybrid.prompts import FAILED, IDLE
from pgen_segment.levels import Motion
from pgen_segment.motion.spans import GRASP, RELEASE, MotionSpan

LONG_TASK = 8
"""Words of a task that is no single action, so that no skill may be called like it."""
_TEXT = {"type": "string", "pattern": "\\S"}
_SPAN = {
    "type": "object",
    "properties": {"numbers": {"type": "array", "items": {"type": "integer"}}, "skill": _TEXT, "name": _TEXT},
    "required": ["numbers", "skill", "name"],
}
_SKILL = {"type": "object", "properties": {"id": _TEXT, "name": _TEXT}, "required": ["id", "name"]}
FORM = {
    "type": "object",
    "properties": {"skills": {"type": "array", "items": _SKILL}, "spans": {"type": "array", "items": _SPAN}},
    "required": ["skills", "spans"],
}
"""What is read, wider than the schema that a reply is held to where the server can: other problems are named."""


def checked(
    fields: Mapping[str, Any],
    numbers: range,
    task: str,
    spell_motion: Callable[[str], str],
    spell_skill: Callable[[str], str],
) -> dict[str, Any]:
    """Return the reply with its names spelled, each span with the name of its skill.

    Raises SampleError unless each number is named exactly once, and no name repeats the task.
    """
    check_numbers(fields["spans"], numbers)
    skills = {skill["id"]: spelled(skill["name"], task, spell_skill) for skill in fields["skills"]}
    if unknown := sorted({span["skill"] for span in fields["spans"]} - skills.keys()):
        raise SampleError("schema", f"no skill has the letter {', '.join(unknown)}; list it under `skills`.")
    spans = [
        {
            "numbers": [int(number) for number in span["numbers"]],
            "skill": skills[span["skill"]],
            "name": spelled(span["name"], task, spell_motion),
            "state": span.get("state", ""),
        }
        for span in fields["spans"]
    ]
    return {"spans": spans}


def check_numbers(spans: Sequence[Mapping[str, Any]], numbers: range) -> None:
    """Raise SampleError unless the spans have each number exactly once, in order."""
    used = [int(number) for span in spans for number in span["numbers"]]
    if used != list(numbers):
        raise SampleError("schema", _problem(used, numbers))


def _problem(used: Sequence[int], numbers: range) -> str:
    missing = [number for number in numbers if number not in used]
    twice = sorted({number for number in used if used.count(number) > 1})
    if missing or twice:
        problems = [f"no name for {_listed(missing)}"] * bool(missing) + [f"several for {_listed(twice)}"] * bool(twice)
        return f"{' and '.join(problems)}: name each number exactly once."
    return "the numbers are not in order; only neighbouring numbers can be put together."


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def spelled(name: str, task: str, spell: Callable[[str], str]) -> str:
    """Return a name as `spell` writes it. Raises SampleError where it repeats the task."""
    text, whole = (" ".join(it.casefold().split()).strip(" .") for it in (name, task))
    long = len(whole.split()) > LONG_TASK
    if whole and (f": {whole}" in text or (long and whole in text)):
        raise SampleError("schema", f"the name {name[:80]!r} repeats the task; name only what happens in the span.")
    return spell(name)


def motions(spans: Sequence[Mapping[str, Any]], pieces: Sequence[MotionSpan], first: int) -> list[Motion]:
    """Return the motions that a checked reply names; the number of the first piece is `first`."""
    return [_motion(span, [pieces[number - first] for number in span["numbers"]]) for span in spans]


def _motion(span: Mapping[str, Any], pieces: Sequence[MotionSpan]) -> Motion:
    kinds = [piece.phase for piece in pieces]
    state = span["state"]
    return Motion(
        name=span["name"],
        skill=span["skill"],
        phase=next((kind for kind in (GRASP, RELEASE) if kind in kinds), kinds[0]),
        start=pieces[0].start,
        end=pieces[-1].end,
        failed=state == FAILED or any(piece.failed for piece in pieces),
        idle=state == IDLE,
        together=len({piece.arm for piece in pieces}) > 1 or " and " in pieces[0].arm,
    )
