import pytest

from pgen.components import Sampler
from pgen.errors import ConfigError, PluginError
from pgen.labels import DEFAULT_WEIGHTS
from pgen.run.planning import Planner, Survey
from pgen.testing import FakeSource, FirstFrames, check_sampler, make_episode, make_samples
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.seed import SeedPrompt
from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform

EPISODES = [make_episode(index=0), make_episode(index=1)]


def plan(sampler=None, prompts=None, variants=1, scopes=DEFAULT_WEIGHTS, limit=None):
    """Return the samples of two episodes, by episode."""
    planner = Planner(
        FakeSource(*EPISODES), sampler or FirstFrames(), prompts or SeedPrompt(), 0, variants, scopes, limit
    )
    return [samples for _, samples in planner.planned(EPISODES)]


@pytest.mark.parametrize(
    "sampler", [Segments(), Interval(), Uniform(), EveryFrame(), Segments(interval=0.001)], ids=repr
)
def test_every_sampler_keeps_the_contract(sampler):
    check_sampler(sampler)


def test_a_sample_knows_every_earlier_and_every_later_skill_of_its_episode():
    _, second, _ = make_samples()
    assert second.span.skill == "robot arm picks up pink lego brick"
    assert second.span.history == ("robot arm moves towards pink lego brick",)
    assert second.span.future == ("robot arm moves towards transparent box",)
    assert (second.moment.frame_index, second.moment.timestamp, second.span.skill_index) == (18, 1.8, 1)


def test_segments_counts_its_interval_anew_in_every_span():
    frames = [sample.moment.frame_index for sample in make_samples(make_episode(), Segments(interval=1.0))]
    assert frames == [0, 10, 18, 28, 31, 41, 51]


def test_interval_counts_through_the_spans():
    frames = [sample.moment.frame_index for sample in make_samples(make_episode(), Interval(interval=2.0))]
    assert frames == [0, 20, 40]


def test_uniform_spreads_its_samples_over_the_episode():
    assert list(Uniform(count=4).frames(make_episode(length=10))) == [0, 2, 5, 7]
    assert list(Uniform(count=40).frames(make_episode(length=3))) == [0, 1, 2]


def test_a_frame_outside_every_span_gives_no_sample():
    episode = make_episode(("a", 0.5, 1.0), ("b", 1.5, 2.0), length=40)
    assert [s.moment.frame_index for s in make_samples(episode, EveryFrame())] == [*range(5, 10), *range(15, 20)]


def test_the_limit_holds_over_all_episodes():
    counts = [len(samples) for samples in plan(sampler=Segments(interval=1.0), limit=9)]
    assert counts == [7, 2]


def test_a_sampler_that_leaves_the_episode_is_named():
    class Lost(Sampler):
        name = "lost"

        def frames(self, episode):
            return [0, len(episode.timestamps)]

    with pytest.raises(PluginError, match="sampler lost chose frame 55 of episode 0, which has 55 frames"):
        make_samples(make_episode(), Lost())


def test_an_interval_that_is_no_time_is_refused_with_the_option_named():
    with pytest.raises(ConfigError, match=r"sampler segments: option interval: .* greater than 0, got 0"):
        Segments(interval=0)
    with pytest.raises(ConfigError, match=r"no option intervall \(did you mean interval\?\)"):
        Segments(intervall=1)


def rows_of(samples):
    return [
        (sample.moment.frame_index, sample.question.scope, sample.question.skills, sample.question.variant)
        for sample in samples
    ]


def test_a_prompt_for_one_dialogue_asks_for_the_step_at_each_moment():
    assert [rows_of(samples) for samples in plan()] == [[(0, "step", 1, 0), (18, "step", 1, 0), (31, "step", 1, 0)]] * 2


def test_the_dialogues_of_a_moment_follow_each_other_each_in_all_its_wordings():
    first, _ = plan(prompts=HiRobotPrompt(), variants=2)
    assert rows_of(first) == [
        *((0, scope, skills, variant) for scope, skills in (("episode", 3), ("standing", 3)) for variant in range(2)),
        *((0, "phase", 3, variant) for variant in range(2)),
        *((frame, "step", 1, variant) for frame in (0, 18, 31) for variant in range(2)),
    ]
    assert len({sample.question.speaker for sample in first}) == 1


def test_another_episode_has_another_speaker():
    first, second = plan(prompts=HiRobotPrompt())
    assert first[0].question.speaker != second[0].question.speaker


@pytest.mark.parametrize("scopes", [{"step": 1}, {"phase": 2.5, "episode": 0.1}, {"standing": 1, "step": 0}])
def test_dialogues_of_a_scope_without_weight_are_not_requested(scopes):
    requested = {
        sample.question.scope for samples in plan(prompts=HiRobotPrompt(), scopes=scopes) for sample in samples
    }
    assert requested == {scope for scope, weight in scopes.items() if weight}


def test_a_sampler_may_choose_the_scopes_of_a_frame():
    class Openings(FirstFrames):
        def scopes(self, episode, frame):
            return {"episode"} if frame == 0 else () if frame == 18 else None

    first, _ = plan(Openings(), HiRobotPrompt())
    assert rows_of(first) == [(0, "episode", 3, 0), (31, "step", 1, 0)]


def test_a_moment_inside_a_skill_says_how_long_the_skill_has_been_running():
    first, _ = plan(Segments(interval=1.0))
    assert [sample.moment.running for sample in first] == [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 2.0]


def survey(turns, several, **options):
    counts = Survey(turns, several)
    for episode, samples in zip(EPISODES, plan(prompts=HiRobotPrompt(), **options), strict=True):
        counts.add(episode, samples)
    return counts


@pytest.mark.parametrize(
    ("turns", "several", "requests", "first"),
    [(False, True, 6, 12), (False, False, 36, 1), (True, True, 6, 12), (True, False, 36, 1)],
)
def test_a_plan_counts_a_request_for_each_moment_or_for_each_dialogue(turns, several, requests, first):
    counts = survey(turns, several, variants=3)
    assert (counts.sizes["samples"], counts.sizes["requests"], counts.sizes["images"]) == (36, requests, requests)
    assert len(counts.first({})) == first


@pytest.mark.parametrize(("several", "conversations", "longest"), [(True, 2, 3), (False, 4, 6)])
def test_a_plan_counts_the_turns_that_conversations_repeat(several, conversations, longest):
    sizes = survey(True, several, variants=2).sizes
    assert (sizes["conversations"], sizes["longest"]) == (conversations, longest)
    assert sizes["retold"] == conversations * (0 + 4 + 5)
