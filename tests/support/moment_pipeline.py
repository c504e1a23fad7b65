"""A pipeline of requests for all dialogues of a moment."""

import asyncio
import json

from pgen.inference.conversation import moments
from pgen.inference.pipeline import Pipeline
from pgen.labels import DEFAULT_WEIGHTS
from pgen.run.planning import Planner
from pgen.testing import (
    FakeMomentGenerator,
    FakeSource,
    FirstFrames,
    MemoryRecorder,
    make_episode,
    plain_answer,
)
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt

EPISODE = make_episode()
DIALOGUES = {0: 8, 18: 2, 31: 2}
"""The number of dialogues at each frame: of four scopes at the first one, in two wordings."""


def planned(variants=2, prompts=None, episode=EPISODE):
    planner = Planner(FakeSource(episode), FirstFrames(), prompts or HiRobotPrompt(), 0, variants, DEFAULT_WEIGHTS)
    ((_, samples),) = planner.planned([episode])
    return samples


def run(answer=plain_answer, items=None, generator=None, recorder=None, source=None, **options):
    """Return the annotations by sample, and the requests."""
    generator, recorder = generator or FakeMomentGenerator(answer), recorder or MemoryRecorder()
    pipeline = Pipeline(source or FakeSource(), HiRobotPrompt(), generator, 0, 2, 10**6, **options)
    items = moments(planned()) if items is None else items
    asyncio.run(asyncio.wait_for(pipeline.run(iter([items]), recorder, asyncio.Event()), 120))
    return {annotation.sample: annotation for annotation in recorder.results}, generator.requests


def changed(request, change):
    """Return the plain answer with `change(fields, sample)` for each dialogue; None leaves it out."""
    reply = json.loads(plain_answer(request))
    changed = (change(fields, request.samples[fields["number"] - 1]) for fields in reply["dialogues"])
    return json.dumps({**reply, "dialogues": [fields for fields in changed if fields is not None]})


def at(requests, frame):
    return [request for request in requests if request.sample.moment.frame_index == frame]
