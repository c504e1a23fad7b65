"""Replies to the requests of `hybrid`, and a job with a generator that gives them."""

import json
import re
from typing import Any

from vlm_helpers import answering

from pgen.records import Request
from pgen.testing import FakeGenerator
from pgen_lerobot.read import LeRobotSource
from pgen_segment.hybrid.segmenter import Hybrid
from pgen_segment.job import Job, SegmentOptions

LINE = re.compile(r"^(\d{1,3}): [\d.]{1,9}-[\d.]{1,9} s, (.*)$", re.MULTILINE)
PICK, PLACE, RETREAT = "pick up the cup", "put the cup on the shelf", "move back"
MOTIONS = (
    ("move to the cup", PICK),
    ("lower the gripper to the cup", PICK),
    ("close the gripper on the cup", PICK),
    ("lift the cup", PICK),
    ("carry the cup to the shelf", PLACE),
    ("release the cup", PLACE),
    ("retreat", RETREAT),
)
"""The names of the motions of `segment_helpers.PICK`, each with its skill."""


def numbers(text: str) -> list[int]:
    """Return the numbers of the spans in a prompt."""
    return [int(number) for number, _ in LINE.findall(text)]


def reply(names: dict[int, tuple[str, str]], **states: str) -> dict[str, Any]:
    """Return a reply with a motion and a skill for each number; `n3="failed"` is the state of number 3."""
    letters = {skill: chr(65 + i) for i, skill in enumerate(dict.fromkeys(skill for _, skill in names.values()))}
    spans = [
        {
            "numbers": [n],
            "skill": letters[skill],
            "name": name,
            **({"state": states[f"n{n}"]} if f"n{n}" in states else {}),
        }
        for n, (name, skill) in names.items()
    ]
    return {"skills": [{"id": letter, "name": skill} for skill, letter in letters.items()], "spans": spans}


def pick(text: str, **states: str) -> dict[str, Any]:
    """Return the true names of `segment_helpers.PICK` for the numbers of a prompt."""
    return reply({n: MOTIONS[(n - 1) % len(MOTIONS)] for n in numbers(text)}, **states)


def naming(answer: Any = None, **others: Any) -> FakeGenerator:
    """Return a generator that answers a request for numbers with `answer(request)`, by default `pick`."""
    plain = answering(**others)

    def generate(request: Request) -> Any:
        if "spans" not in request.prompt.schema["properties"]:
            return plain(request)
        value = answer(request) if answer else pick(request.prompt.text)
        return value if isinstance(value, str) else json.dumps(value)

    return FakeGenerator(generate)


def hybrid_job(root: Any, out: Any, generator: FakeGenerator, run: dict[str, Any] | None = None, **options: Any) -> Job:
    source = LeRobotSource(root=root, skills="task")
    options_of_run = {"output_dir": out, "skills_only": True, **(run or {})}
    return Job(SegmentOptions(**options_of_run), source, Hybrid(**options), generator)
