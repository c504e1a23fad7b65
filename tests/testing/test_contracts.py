"""The contract tests accept every component that ships with pgen, and name the promise that another breaks."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace

import pytest
from altered import altered
from rendered_example import write_example

from pgen import Check, Context, Episode, Finding, ImageReader, Options, Request, Sampler, Segmenter
from pgen.components import MomentPromptBuilder, Recording
from pgen.inference.prompting import prompt_for
from pgen.records import Prompt, Question
from pgen.registry import registry
from pgen.testing import (
    FakeMomentGenerator,
    FakeSource,
    FirstFrames,
    MemorySink,
    check_check,
    check_executor,
    check_generator,
    check_prompt_builder,
    check_sampler,
    check_segmenter,
    check_sink,
    check_source,
    make_episode,
    make_samples,
    plain_answer,
)
from pgen_lerobot.read import LeRobotSource


def find(kind, name):
    return registry().find(kind, name)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("contracts") / "in")


def test_shipped_sources_keep_their_contract(root):
    check_source(LeRobotSource(root=root))
    check_source(FakeSource())


@pytest.mark.parametrize("name", ["segments", "interval", "uniform", "every-frame"])
@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_shipped_samplers_keep_their_contract(name, clip):
    check_sampler(find("sampler", name)(clip=clip))


@pytest.mark.parametrize("name", ["hi-robot", "seed"])
def test_shipped_prompt_builders_and_the_model_free_generator_keep_their_contract(name):
    builder = find("prompt", name)()
    check_prompt_builder(builder)
    requests = [Request((sample,), builder.build(sample, 0), (), 0) for sample in make_samples()]
    assert len(asyncio.run(check_generator(find("generator", "template")(), requests))) == 3


def without_second(request):
    return plain_answer(replace(request, numbers=(1, 3)))


def test_a_generator_that_takes_several_dialogues_a_request_keeps_its_contract():
    builder = find("prompt", "hi-robot")()
    samples = [altered(sample, variant=variant) for sample in make_samples()[:1] for variant in range(3)]
    prompt = prompt_for(builder, samples, 0, "en", several=True)
    request = Request(tuple(samples), prompt, (), 0, numbers=(1, 2, 3))
    assert len(asyncio.run(check_generator(FakeMomentGenerator(), [request]))) == 3
    with pytest.raises(AssertionError, match="no dialogue with the number 2"):
        asyncio.run(check_generator(FakeMomentGenerator(without_second), [request]))


@pytest.mark.parametrize("name", registry().components("check"))
def test_shipped_checks_keep_their_contract(name):
    check_check(find("check", name)())


def test_shipped_sinks_keep_their_contract(root, tmp_path):
    assert [path.name for path in check_sink(find("sink", "jsonl")(), tmp_path / "lines")] == [
        "manifest.json",
        "syn_annotations.jsonl",
    ]
    check_sink(find("sink", "lerobot")(), tmp_path / "dataset", LeRobotSource(root=root, episodes="0"))


def test_the_local_executor_keeps_its_contract(tmp_path):
    check_executor(find("executor", "local")(), tmp_path)


class Halves(Segmenter):
    name = "halves"

    def segment(self, recording):
        return [{"name": "begin", "start": 0, "end": 2.5}]


def test_a_segmenter_keeps_its_contract():
    check_segmenter(Halves(), FakeSource(), [Recording(make_episode())])


class WideOptions(Options):
    step: int = 7


class Outside(Sampler[WideOptions]):
    name = "outside"

    def frames(self, episode: Episode):
        return [len(episode.timestamps) + self.options.step]


class Elsewhere(FirstFrames):
    name = "elsewhere"

    def scopes(self, episode, frame):
        return ("step", "chapter")


class Forgetful(MomentPromptBuilder):
    name = "forgetful"

    def build_moment(self, samples, seed):
        return Prompt(samples[0].span.skill, {})

    def questions(self, samples, seed):
        return [(Question(), Question(scope="phase")) for _ in samples]

    def example(self, sample, seed):
        return {}

    def fingerprint(self):
        return ""


class Changing(FirstFrames):
    name = "changing"
    calls = 0

    def frames(self, episode):
        Changing.calls += 1
        return [Changing.calls % 5]


class Silent(Check):
    name = "silent"

    def check(self, annotation, context: Context):
        return Finding("", "it has no code")


class Flat(Segmenter):
    name = "flat"

    def segment(self, recording):
        return [{"name": "begin"}]


class Blind(FakeSource):
    name = "blind"

    def reader(self, max_pixels):
        class Reader(ImageReader):
            def images(self, sample):
                return ()

        return nullcontext(Reader())


class Backwards(FakeSource):
    name = "backwards"

    def episodes(self):
        for episode in super().episodes():
            yield replace(episode, skills=episode.skills[::-1])


@pytest.mark.parametrize(
    ("check", "arguments", "message"),
    [
        (check_sampler, [Outside(step=3)], r"Outside\(step=3\) leaves the episode: \[58\]"),
        (check_sampler, [Elsewhere()], r"the scopes \('step', 'chapter'\) of frame 0 are not among episode, phase"),
        (check_prompt_builder, [Forgetful()], "has 1 plans for 4 samples"),
        (check_sampler, [Changing()], "chooses other frames on the second call"),
        (check_check, [Silent()], "lacks a code or a reason"),
        (check_segmenter, [Flat(), FakeSource(), [Recording(make_episode())]], "'start' is a required property"),
        (check_source, [Blind()], "0 images for"),
        (check_source, [Backwards()], "overlap or are not sorted"),
    ],
)
def test_a_broken_promise_is_named(check, arguments, message):
    with pytest.raises(AssertionError, match=message):
        check(*arguments)


def test_a_sink_that_writes_nothing_breaks_its_contract(tmp_path):
    with pytest.raises(AssertionError, match="writes no file"):
        check_sink(MemorySink(), tmp_path)


class Stateful(FirstFrames):
    name = "stateful"

    def __init__(self, step=0):
        super().__init__()
        self.step = step

    def __repr__(self):
        return f"Stateful(step={self.step})"


def test_a_component_that_pickling_changes_breaks_its_contract():
    with pytest.raises(AssertionError, match=r"Stateful\(step=3\) is Stateful\(step=0\) after pickling"):
        check_sampler(Stateful(3))
