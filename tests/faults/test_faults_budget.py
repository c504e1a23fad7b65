"""Models that fail for every sample: a run ends long before it has requested all of them."""

import pytest

from pgen.api import annotate
from pgen.errors import SampleError, TooManyFailuresError
from pgen.run.failure_limit import FIRST
from pgen.testing import FakeGenerator, FakeSource, MemorySink, make_episode
from pgen_samplers.samplers import EveryFrame

EPISODES, FRAMES = 100, 200


def refuse(request):
    raise SampleError("refused", "no, thank you")


KINDS = {"refused": refuse, "no JSON": lambda request: "Sorry."}


@pytest.mark.parametrize("concurrency", [1, 8, 64, 512])
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_always_fails_receives_only_the_first_samples_and_those_in_flight(place, tally, kind, concurrency):
    source = FakeSource(*(make_episode(length=FRAMES, index=index) for index in range(EPISODES)))
    generator = FakeGenerator(KINDS[kind], concurrency=concurrency)
    parts = {"generator": generator, "sampler": EveryFrame(), "prompt": "seed", "sink": MemorySink(), "attempts": 1}
    with pytest.raises(TooManyFailuresError, match=r"it ended there, before --max-failures 0\.5 was reached"):
        annotate(source, place / "out", max_failures=0.5, **parts)
    assert FIRST <= len(generator.requests) <= FIRST + concurrency
    tally.add("a model that always fails, in runs of 20,000 samples", 1, in_flight=concurrency)
