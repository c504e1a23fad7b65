import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.api import annotate
from pgen.errors import SampleError, TooManyFailuresError
from pgen.records import Annotation, Dialogue, Failure, Plan, Usage
from pgen.run.failure_limit import FIRST, Budget, check
from pgen.run.manifest import tally
from pgen.testing import (
    FakeGenerator,
    FakeMomentGenerator,
    FakeSource,
    MemorySink,
    make_episode,
    make_samples,
    plain_answer,
)
from pgen_samplers.samplers import EveryFrame

(SAMPLE, *_) = make_samples()


def finished(fails, attempts=1):
    """Return an annotation that failed at a stage, by default `parse`, or did not."""
    failure = Failure(fails if isinstance(fails, str) else "parse", "no")
    return Annotation(SAMPLE, Plan(), failure if fails else Dialogue("a", "b"), Usage(attempts=attempts))


def ended_after(budget, fails, attempts=1):
    """Return the number of finished samples at which the run must end, or None."""
    spent = (budget.spend(finished(failed, attempts)) for failed in fails)
    return next((count for count, ended in enumerate(spent, 1) if ended), None)


def test_a_run_ends_with_the_failure_that_is_one_too_many():
    assert ended_after(Budget(2, 0.02), [True, False, True, False, True, False]) == 5


def test_a_run_whose_first_samples_nearly_all_fail_ends_there_however_many_may_fail():
    assert ended_after(Budget(20_000, 0.02), [number % 10 > 0 for number in range(1000)]) == FIRST
    assert ended_after(Budget(20_000, 0.02), [number % 10 > 1 for number in range(1000)]) is None


def test_more_failures_than_nearly_all_can_be_allowed():
    assert ended_after(Budget(950_000, 0.95), [number % 50 > 3 for number in range(1000)]) is None
    assert ended_after(Budget(1_000_000, 1.0), [True] * 1000) is None


def test_images_that_cannot_be_read_end_a_run_only_by_their_number():
    """They take no request, and a broken video has many of them in sequence."""
    assert ended_after(Budget(20_000, 0.02), [True] * 1000, attempts=0) is None
    assert ended_after(Budget(20, 0.02), [True] * 1000, attempts=0) == 21


@given(st.lists(st.booleans(), max_size=400), st.integers(0, 400))
def test_a_run_never_ends_before_its_failures_are_too_many_or_nearly_all(fails, allowed):
    end = ended_after(Budget(allowed, 0.02), fails)
    before = fails[:end]
    many, nearly_all = sum(before) > allowed, len(before) >= FIRST and sum(before) >= 0.9 * len(before)
    assert (end is not None) == (many or nearly_all)


def run(out, reply, episodes=40, length=10, **options):
    """Return the requests of a run, and its error."""
    source = FakeSource(
        *(make_episode(("pick it up", 0.0, length / 10), index=index, length=length) for index in range(episodes))
    )
    generator, error = FakeGenerator(reply, concurrency=8), None
    parts = {"generator": generator, "sink": MemorySink(), "sampler": EveryFrame(), "prompt": "seed", "checks": ()}
    try:
        annotate(source, out, **parts, **options)
    except TooManyFailuresError as caught:
        error = str(caught)
    return [
        (request.sample.span.episode_index, request.sample.moment.frame_index) for request in generator.requests
    ], error


def test_a_model_that_always_fails_receives_only_the_first_samples_and_those_in_flight(tmp_path):
    requests, error = run(tmp_path / "out", lambda request: "no", episodes=300, max_failures=0.5)
    assert FIRST * 2 <= len(requests) <= (FIRST + 8) * 2
    assert "of the 200 or more that this run requested at least 90%" in error
    assert "--max-failures 0.5 was reached; nothing was written" in error
    assert "requests the 2" in error


def tenth(request):
    """Every tenth sample always fails."""
    sample = request.sample
    return SampleError("refused", "never") if sample.moment.frame_index == 7 else plain_answer(request)


def test_each_start_continues_until_only_samples_that_always_fail_remain(tmp_path):
    requested, rest = set(), 400
    while rest:
        requests, error = run(tmp_path / "out", tenth)
        new = set(requests) - requested
        requested |= new
        rest -= len(new)
        assert not rest or len(new) == len(requests) > 80, "a sample is requested again before all were requested"
        assert (f"requests the {rest} samples first that were not requested yet" in error) == bool(rest), error
    for _ in range(4):
        requests, error = run(tmp_path / "out", tenth)
        assert {frame for _, frame in requests} == {7}
        assert "40 of 400 samples failed (40 at refused), more than --max-failures 0.02 allows" in error
        assert "They are in episodes 0, 1 and 38 others. The first reason: never" in error
        assert "a larger --max-failures accepts these" in error


def test_failed_samples_are_requested_in_turn_so_that_each_start_reaches_others(tmp_path):
    while "not requested yet" in (run(tmp_path / "out", tenth)[1]):
        pass
    requests = [request for _ in range(10) for request in run(tmp_path / "out", tenth)[0]]
    assert len(set(requests)) == 40, "not all failed samples were requested again"


def scene(request):
    """Every second moment contradicts its labels."""
    reply = json.loads(plain_answer(request))
    fits = request.sample.moment.frame_index % 2 == 0
    return json.dumps({**reply, "fits": fits, "seen": "an empty table", "dialogues": reply["dialogues"] * fits})


def annotate_scenes(out, reply, **options):
    """Run over 20 moments with several dialogues each; return the report and the sink."""
    source, sink = FakeSource(make_episode(("pick it up", 0.0, 2.0), length=20)), MemorySink()
    parts = {"sampler": EveryFrame(), "prompt": "hi-robot", "checks": (), "variants": 2, "sink": sink}
    return annotate(source, out, generator=FakeMomentGenerator(reply), **parts, **options), sink


def test_images_that_contradict_the_labels_are_reported_and_end_no_run(tmp_path):
    report, sink = annotate_scenes(tmp_path / "out", scene, max_failures=0)
    failed = [annotation for annotation in sink.annotations if annotation.failure]
    assert report.failed == sink.manifest["counts"]["failed"] == {"scene": len(failed)}
    assert {annotation.sample.moment.frame_index % 2 for annotation in failed} == {1}
    assert all("an empty table" in annotation.failure.reason for annotation in failed)
    assert sink.manifest["counts"]["answered"] == report.samples - len(failed)


def test_a_dataset_without_a_moment_that_fits_ends_no_run_either(tmp_path):
    def never(request):
        return json.dumps({"seen": "darkness", "fits": False, "dialogues": []})

    report, _ = annotate_scenes(tmp_path / "out", never, max_failures=0)
    assert report.failed == {"scene": report.samples}
    assert ended_after(Budget(0, 0.02), ["scene"] * 1000) is None


def test_other_failures_are_counted_without_those_of_scenes(tmp_path):
    def both(request):
        return "no" if request.sample.moment.frame_index == 2 else scene(request)

    with pytest.raises(TooManyFailuresError, match=r"2 of 44 samples failed \(2 at parse\)") as raised:
        annotate_scenes(tmp_path / "out", both, max_failures=0)
    assert "empty table" not in str(raised.value)
    report, _ = annotate_scenes(tmp_path / "out", both, max_failures=0.05)
    assert report.failed == {"parse": 2, "scene": 20}


def test_failures_that_stay_within_what_is_allowed_end_no_resumed_run(tmp_path):
    """Those of an earlier run are requested again, and do not count twice."""
    _, error = run(tmp_path / "out", tenth, max_failures=0.05)
    assert error
    _, error = run(tmp_path / "out", tenth, max_failures=0.11)
    assert error is None


@pytest.mark.parametrize(
    ("failing", "message"),
    [([3], "episode 3"), ([3, 7], "episodes 3, 7"), ([3, 7, 8], "episodes 3, 7 and 1 other")],
)
def test_the_episodes_with_failures_are_named(failing, message):
    episodes = [make_episode(index=index) for index in range(9)]
    results = [(episode, [finished(episode.index in failing)] * 2) for episode in episodes]
    with pytest.raises(TooManyFailuresError, match=rf"They are in {message}\. The first reason: no\. "):
        check(tally(iter(results)), 18, 0.01, results)


@pytest.mark.parametrize(("reason", "ending"), [("no", "no."), ("No!", "No!"), ("see `x`.", "see `x`.")])
def test_the_first_reason_is_a_sentence_of_its_own(reason, ending):
    episode = make_episode(index=0)
    failed = Annotation(SAMPLE, Plan(), Failure("generate", reason))
    with pytest.raises(TooManyFailuresError) as raised:
        check(tally([(episode, [failed])]), 1, 0, [(episode, [failed])])
    assert f"The first reason: {ending} The results so far" in str(raised.value)
