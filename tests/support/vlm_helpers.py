"""A generator that replies to the requests of `vlm`, and the job that uses it."""

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
    """The only property of the reply that is requested."""
    (name,) = request.prompt.schema["properties"]
    return str(name)


def answering(spans: Any = SPANS, **others: Any) -> Callable[[Request], Any]:
    """An answer may be a function of the request, a value to write as JSON, or an exception; `spans` any text."""

    def answer(request: Request) -> Any:
        replies = {"description": "The arm moves.", "skills": spans, "name": "do it", "names": ["do it"]} | others
        value = replies[kind(request)]
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
    options_of_run = {"output_dir": out, "skills_only": True, **(run or {})}
    return Job(SegmentOptions(**options_of_run), source, Vlm(**options), generator)
