import asyncio
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
from altered import altered
from hanging import HANG

from pgen.components import ImageReader
from pgen.errors import PgenError, SampleError
from pgen.inference import scheduler
from pgen.inference.pipeline import Pipeline
from pgen.inference.scheduler import DECODERS, decoded_ahead, decoders
from pgen.records import Image, Reply
from pgen.run.planning import samples_of
from pgen.testing import FakeGenerator, FakeSource, MemoryRecorder, make_episode, make_samples, plain_answer
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.seed import SeedPrompt
from pgen_samplers.samplers import EveryFrame


def run(generator, source=None, samples=None, attempts=2, prompts=None, stop_after=None, groups=None):
    """The annotations of a run over `samples`, or `groups` of them, in the order they ended."""
    source = source or FakeSource()
    groups = ([(sample,) for sample in group] for group in groups or [samples or make_samples()])
    stop = asyncio.Event()
    recorder = MemoryRecorder(on_result=lambda _: stop.set() if stop_after == len(recorder.results) else None)
    pipeline = Pipeline(source, prompts or SeedPrompt(), generator, 0, attempts, 10**6)
    # Nothing here takes so long, unless nothing goes on.
    asyncio.run(asyncio.wait_for(pipeline.run(groups, recorder, stop), 120))
    return recorder.results


class ReadingSource(FakeSource):
    """A source whose images are read by `images(sample)`; grey ones where it returns None."""

    def __init__(self, images, *episodes):
        super().__init__(*episodes)
        self.images = images

    def reader(self, max_pixels):
        grey, images = super().reader(max_pixels), self.images

        class Reader(ImageReader):
            def images(self, sample):
                own = images(sample)
                with grey as reader:
                    return reader.images(sample) if own is None else own

        return nullcontext(Reader())


def test_every_sample_ends_once_with_its_own_answer():
    samples = make_samples(make_episode(), EveryFrame())
    done = run(FakeGenerator(concurrency=8), samples=samples)
    assert Counter(annotation.sample for annotation in done) == Counter(samples)
    for annotation in done:
        assert annotation.dialogue.robot_utterance == f"Now {annotation.sample.moment.frame_index}."


@pytest.mark.parametrize(
    ("answer", "stage"),
    [
        ("no JSON at all", "parse"),
        ('{"user_prompt": "", "robot_utterance": "x"}', "schema"),
        ('{"user_prompt": "only"}', "schema"),
        (Reply('{"user_prompt": "a", "robot', truncated=True), "truncated"),
        (SampleError("refused", "it would not"), "refused"),
        (RuntimeError("out of luck"), "generate"),
        (KeyError("\ud800\x1b[31m"), "generate"),
    ],
)
def test_a_sample_that_fails_is_a_row_with_its_stage_and_reason(answer, stage):
    (first, *_) = samples = make_samples()
    generator = FakeGenerator(lambda request: answer if request.sample == first else plain_answer(request))
    done = {annotation.sample: annotation for annotation in run(generator, samples=samples)}
    assert done[first].failure.stage == stage
    assert done[first].failure.reason.encode()
    assert all(done[sample].dialogue for sample in samples[1:])


def test_a_reply_that_does_not_fit_is_asked_again_with_what_was_wrong_and_another_seed():
    generator = FakeGenerator(lambda request: plain_answer(request) if request.repair else "prose")
    done = run(generator, samples=make_samples()[:1])
    first, second = generator.requests
    assert second.repair.reply == "prose"
    assert "holds no JSON object" in second.repair.problem
    assert first.seed != second.seed
    assert done[0].dialogue
    assert done[0].usage.attempts == 2


def test_a_refusal_is_not_asked_again():
    generator = FakeGenerator(lambda request: SampleError("refused", "no"))
    run(generator, samples=make_samples()[:1], attempts=5)
    assert len(generator.requests) == 1


@pytest.mark.parametrize("error", [SampleError("decode", "no such frame"), ZeroDivisionError("a frame rate of 0/0")])
def test_images_that_do_not_open_fail_their_sample_and_cost_no_request(error):
    def images(sample):
        raise error

    generator = FakeGenerator()
    done = run(generator, ReadingSource(images))
    assert {annotation.failure.stage for annotation in done} == {"decode"}
    assert all(annotation.failure.reason.endswith(str(error.args[0]).removeprefix("decode: ")) for annotation in done)
    assert generator.requests == []


def test_the_generator_is_kept_busy_and_never_asked_beyond_its_concurrency():
    class Slow(FakeGenerator):
        now = peak = 0

        async def generate(self, request):
            self.now += 1
            self.peak = max(self.peak, self.now)
            if self.now < 6:
                await asyncio.wait_for(self.full.wait(), HANG)
            self.full.set()
            self.now -= 1
            return await super().generate(request)

        async def open(self):
            self.full = asyncio.Event()

    generator = Slow(concurrency=6)
    asyncio.run(generator.open())
    run(generator, samples=make_samples(make_episode(), EveryFrame()))
    assert generator.peak == 6


def test_what_is_decoded_and_not_answered_is_bounded():
    decoded, answered, most = 0, 0, 0
    lock = threading.Lock()

    def images(sample):
        nonlocal decoded, most
        with lock:
            decoded += 1
            most = max(most, decoded - answered)

    def answer(request):
        nonlocal answered
        answered += 1
        return plain_answer(request)

    samples = make_samples(make_episode(length=55), EveryFrame()) * 6
    run(FakeGenerator(answer, concurrency=2), ReadingSource(images), samples)
    assert decoded == len(samples)
    assert most <= 2 + decoded_ahead(DECODERS) + 2


@pytest.mark.parametrize(("cores", "threads"), [(1, 4), (2, 4), (8, 4), (12, 6), (16, 8), (192, 8)])
def test_a_machine_with_more_cores_decodes_with_more_threads(cores, threads):
    assert decoders(cores) == threads


def test_any_number_of_decoders_comes_to_an_end_with_one_request_at_a_time(monkeypatch):
    """Each waits for several samples at once, and none may wait for what another holds."""
    monkeypatch.setattr(scheduler, "DECODERS", 8)
    groups = [make_samples(make_episode(index=index), EveryFrame()) for index in range(30)]
    done = run(FakeGenerator(concurrency=1), groups=groups)
    assert Counter(annotation.sample for annotation in done) == Counter(sample for group in groups for sample in group)


class Closing(FakeSource):
    """A source that notes when its readers are closed; one that reads later frames waits until the run ends."""

    def __init__(self):
        super().__init__()
        self.events, self.ending, self.failed = [], threading.Event(), threading.Event()

    def ends(self, event):
        self.events.append(event)
        self.ending.set()

    def reader(self, max_pixels):
        source = self

        class Reader(ImageReader):
            def __enter__(self):
                return self

            def __exit__(self, *_):
                source.ends("closed")

            def images(self, sample):
                if sample.moment.frame_index >= scheduler.BATCH:
                    assert source.failed.wait(HANG)
                    assert source.ending.wait(HANG)
                return ()

        return Reader()


def test_where_a_run_fails_no_reader_is_closed_while_a_thread_decodes_with_it(monkeypatch):
    """Closing a video in the midst of decoding ends the process without a word."""
    source = Closing()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *arguments, **options):
            source.ends("the threads are awaited")
            super().shutdown(*arguments, **options)

    def answer(request):
        source.failed.set()
        raise PgenError("this ends the run")

    monkeypatch.setattr(scheduler, "ThreadPoolExecutor", Pool)
    with pytest.raises(PgenError, match="this ends the run"):
        run(FakeGenerator(answer), source, make_samples(make_episode(), EveryFrame()))
    assert source.events == ["the threads are awaited"] + ["closed"] * DECODERS


def test_after_a_stop_nothing_more_is_asked():
    samples = make_samples(make_episode(), EveryFrame())
    generator = FakeGenerator(concurrency=1)
    done = run(generator, samples=samples, stop_after=5)
    assert len(done) == len(generator.requests) == 5


def test_the_same_seed_asks_the_same_whatever_the_order():
    samples = make_samples(make_episode(), EveryFrame())
    asked = []
    for order in (samples, samples[::-1]):
        generator = FakeGenerator(concurrency=3)
        run(generator, samples=order, prompts=HiRobotPrompt())
        requests = {request.sample.moment.frame_index: (request.prompt, request.seed) for request in generator.requests}
        asked.append(json.dumps([repr(requests[frame]) for frame in sorted(requests)]))
    assert asked[0] == asked[1]


def test_the_images_of_a_moment_are_read_once_for_all_its_variants():
    frames = []
    moments = make_samples()
    generator = FakeGenerator()
    source = ReadingSource(lambda sample: frames.append(sample.moment.frame_index))
    run(generator, source, samples=[altered(one, variant=n) for one in moments for n in range(3)])
    assert frames == [one.moment.frame_index for one in moments]
    assert len({request.seed for request in generator.requests}) == 9
    assert all(len(request.images) == 1 for request in generator.requests)


def test_images_without_names_are_those_of_their_own_episode():
    class Nameless(ReadingSource):
        def image_names(self, episode, frame_index):
            return ()

    episodes = [make_episode(index=index, length=1) for index in range(8)]
    source = Nameless(lambda sample: (Image(sample.span.episode_id, b"", 8, 8),), *episodes)
    generator = FakeGenerator()
    run(generator, source, groups=[samples_of(episode, source, EveryFrame()) for episode in episodes])
    shown = {request.sample.span.episode_id: request.images[0].camera for request in generator.requests}
    assert len(shown) == 8
    assert all(episode == camera for episode, camera in shown.items())


@pytest.mark.parametrize("takes_clips", [False, True])
def test_a_clip_is_handed_over_as_the_generator_takes_it(takes_clips):
    class Watching(FakeGenerator):
        @property
        def takes_clips(self):
            return takes_clips

    sampler = EveryFrame(clip=0.5, clip_frames=3)
    samples = make_samples(make_episode(length=8), sampler)
    generator = Watching()
    run(generator, samples=samples)
    requests = {request.sample.moment.frame_index: request for request in generator.requests}
    assert (len(requests[0].images), len(requests[0].clips)) == (1, 0)
    assert (len(requests[7].images), len(requests[7].clips)) == ((0, 1) if takes_clips else (1, 0))
    assert "its last 0.5 seconds" in requests[7].prompt.text
    if takes_clips:
        assert len(requests[7].clips[0].frames) == 3


class Threads(MemoryRecorder):
    """Notes the threads in which results are looked up."""

    def __init__(self):
        super().__init__()
        self.threads = []

    def recall(self, key):
        self.threads.append(threading.get_ident())
        return super().recall(key)


def test_a_conversation_is_looked_up_beside_the_event_loop():
    """The journal may have to wait for a commit, or for its disk."""
    recorder = Threads()
    parts = Pipeline(FakeSource(), SeedPrompt(), FakeGenerator(), 0, 2, 10**6, turns=True)
    asyncio.run(parts.run(iter([[make_samples()]]), recorder, asyncio.Event()))
    assert len(recorder.results) == len(recorder.threads) == len(make_samples())
    assert threading.get_ident() not in recorder.threads
