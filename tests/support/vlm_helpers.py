"""A generator that answers the questions of `vlm`, and what it was asked."""

import json
from collections.abc import Callable
from typing import Any

from pgen.records import Request
from pgen.testing import FakeGenerator
from pgen_lerobot.read import LeRobotSource
from pgen_segment.job import Job, SegmentOptions
from pgen_segment.vlm.segmenter import Vlm

SPANS = [{"name": "reach for the cup", "start": 0, "end": 3.0}, {"name": "lift the cup", "start": 3.0, "end": 6.6}]


def kind(request: Request) -> str:
    """What is asked: the one property of the answer."""
    (name,) = request.prompt.schema["properties"]
    return str(name)


def answering(spans: Any = SPANS, **others: Any) -> Callable[[Request], Any]:
    """An answer may be a function of the request, a value to write as JSON, or an exception; `spans` any text."""

    def answer(request: Request) -> Any:
        given = {"description": "The arm moves.", "skills": spans, "name": "do it", "names": ["do it"]} | others
        value = given[kind(request)]
        value = value(request) if callable(value) else value
        text = isinstance(value, str) and kind(request) == "skills"
        return value if text or isinstance(value, Exception) else json.dumps({kind(request): value})

    return answer


def vlm_job(
    root: Any,
    out: Any,
    generator: FakeGenerator,
    run: dict[str, Any] | None = None,
    episodes: str | None = None,
    **options: Any,
) -> Job:
    source = LeRobotSource(root=root, skills="task", episodes=episodes)
    given = {"output_dir": out, "skills_only": True, **(run or {})}
    return Job(SegmentOptions(**given), source, Vlm(**options), generator)


def asked(generator: FakeGenerator) -> list[str]:
    return [kind(request) for request in generator.requests]
