"""Whole runs of a fake source, whose replies are chosen by a test."""

import json

from pgen.api import annotate
from pgen.testing import FakeGenerator, FakeSource, MemorySink, make_episode
from pgen_samplers.samplers import Segments


def reply(user, robot="All right."):
    return json.dumps({"user_prompt": user, "robot_utterance": robot})


def run(out, respond=None, episodes=3, generator=None, **options):
    sink = MemorySink()
    chosen = {"sampler": Segments(), "prompt": "seed", "checks": (), "sink": sink, **options}
    generator = generator or FakeGenerator(respond)
    source = FakeSource(*(make_episode(index=index) for index in range(episodes)))
    report = annotate(source, out, generator=generator, **chosen)
    return report, sink, generator


def lines(sink):
    return [(a.sample, a.outcome, a.checks) for a in sink.annotations]
