"""A generator that replies to the requests of `vlm`, and the job that uses it."""

import json
from collections.abc import Callable
from typing import Any

from segment_helpers import ACROSS, STILL, Phase, episode, read_json

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


class TakesClips(FakeGenerator):
    takes_clips = True


def execute(root, out, generator, run=None, **options):
    with vlm_job(root, out, generator, run, **options) as job:
        return list(job.execute())


def skills_of(out, index=0):
    return [tuple(span.values()) for span in read_json(out / "skills.json")["episodes"][str(index)]["skills"]]


def names_of(out):
    return [name for name, *_ in skills_of(out)]


def record_of(out):
    return read_json(out / "segmentation.json")["segmenter"]["found"]


def first(generator, name="skills", index=0):
    """The first request of a kind about an episode."""
    return next(r for r in generator.requests if kind(r) == name and r.sample.span.episode_index == index)


def long_episode(seconds, fps=10):
    return episode((Phase(seconds / 2, ACROSS), Phase(seconds / 2, STILL)), fps=fps)


def by_window(length, *, relative=False):
    """A skill for each `length` seconds, as far as a request shows them."""

    def spans(request):
        first, last = (request.sample.moment.clip[i].timestamp for i in (0, -1))
        shift = first if relative else 0.0
        starts = [start for start in range(0, int(last) + 1, length) if start + length > first]
        return [
            {"name": f"skill {s // length}", "start": max(s, first) - shift, "end": min(s + length, last) - shift}
            for s in starts
        ]

    return spans
