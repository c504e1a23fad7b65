import pytest

from pgen.components import Sampler
from pgen.errors import ConfigError, PluginError
from pgen.run.planning import planned
from pgen.testing import FakeSource, check_sampler, make_episode, make_samples
from pgen_samplers.samplers import EveryFrame, Interval, Segments, Uniform


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
    source = FakeSource(make_episode(index=0), make_episode(index=1))
    counts = [len(samples) for _, samples in planned(source, Segments(interval=1.0), 9)]
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
