"""Contract tests: one for each kind of component. Each raises AssertionError that names the broken promise."""

import json
import pickle
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from pgen.components import (
    Check,
    Component,
    Context,
    Executor,
    Generator,
    MomentPromptBuilder,
    PromptBuilder,
    Recording,
    Sampler,
    Segmenter,
    Sink,
    Source,
)
from pgen.formats.schemas import Validator, validator
from pgen.inference.parsing import parse
from pgen.inference.replies import parse_dialogues
from pgen.records import SCOPES, Annotation, Dialogue, Episode, Reply, Request, Sample
from pgen.run.planning import samples_of
from pgen.testing.fakes import (
    FakeGenerator,
    FakeSource,
    FirstFrames,
    MemorySink,
    make_annotation,
    make_episode,
    make_samples,
)


def check_source(source: Source, max_pixels: int = 65_536) -> None:
    """Check a source: the same episodes on every pass, ordered, with one image of the right size per camera."""
    _check_component(source)
    source.open()
    try:
        json.dumps([source.identity(), source.describe()])
        episodes = list(source.episodes())
        assert episodes == list(source.episodes()), f"{source} returns other episodes on the second pass"
        with source.reader(max_pixels) as reader:
            for episode in episodes:
                times = list(episode.timestamps)
                assert times == sorted(times), f"{source}: the timestamps of {episode.id} do not ascend"
                skills = episode.skills
                ordered = all(first.end <= second.start for first, second in pairwise(skills))
                assert ordered, f"{source}: the skills of {episode.id} overlap or are not sorted"
                for sample in samples_of(episode, source, FirstFrames())[:1]:
                    images = reader.images(sample)
                    assert len(images) == len(sample.moment.images), f"{source}: {len(images)} images for {sample}"
                    assert all(image.width * image.height <= max_pixels for image in images), f"{source}: large images"
    finally:
        source.close()


def check_sampler(sampler: Sampler, episodes: Sequence[Episode] = ()) -> None:
    """Check a sampler: frames of the episode, the same on each call, also for one without frames or skills."""
    _check_component(sampler)
    for episode in episodes or (make_episode(), make_episode(length=1), make_episode(length=0)):
        frames = list(sampler.frames(episode))
        assert all(0 <= frame < len(episode.timestamps) for frame in frames), f"{sampler} leaves the episode: {frames}"
        assert frames == list(sampler.frames(episode)), f"{sampler} chooses other frames on the second call"
        for frame in frames:
            clip = list(sampler.clip(episode, frame))
            valid = not clip or (
                clip[-1] == frame and clip == sorted(set(clip)) and len(clip) <= sampler.images_per_camera
            )
            assert valid, f"{sampler}: the clip {clip} of frame {frame} does not ascend to it, or is too long"
            scopes = sampler.scopes(episode, frame)
            known = scopes is None or {*scopes} <= {*SCOPES}
            assert known, f"{sampler}: the scopes {scopes} of frame {frame} are not among {', '.join(SCOPES)}"


def check_prompt_builder(
    builder: PromptBuilder, samples: Sequence[Sample] = (), seeds: Sequence[int] = (0, 1, 2)
) -> None:
    """Check a prompt builder: pure, names the current skill, has a valid schema that accepts its own example."""
    _check_component(builder)
    builder.open()
    for sample in samples or make_samples():
        for seed in seeds:
            prompt = builder.build(sample, seed)
            assert prompt == builder.build(sample, seed), f"{builder} builds another prompt on the second call"
            named = sample.span.skill in f"{prompt.context}\n{prompt.text}"
            assert named, f"{builder} does not name the current skill"
            problem = Validator(prompt.schema).first_error(builder.example(sample, seed))
            assert problem is None, f"{builder} refuses its own example: {problem}"
            if isinstance(builder, MomentPromptBuilder):
                _check_moment(builder, sample, seed)


def _check_moment(builder: MomentPromptBuilder, sample: Sample, seed: int) -> None:
    """Check the prompt about all dialogues that the builder wants at a moment, in two wordings."""
    (questions,) = builder.questions([sample], seed)
    wordings = [replace(question, variant=variant) for question in questions for variant in range(2)]
    samples = [Sample(sample.span, sample.moment, question) for question in wordings or [sample.question]]
    prompt = builder.build_moment(samples, seed)
    assert prompt == builder.build_moment(samples, seed), f"{builder} builds another prompt on the second call"
    assert len(prompt.plans) == len(samples), f"{builder} has {len(prompt.plans)} plans for {len(samples)} samples"


async def check_generator(generator: Generator, requests: Sequence[Request]) -> list[Dialogue]:
    """Check a generator: it opens, returns a valid dialogue for every request, and closes."""
    _check_component(generator)
    await generator.open()
    try:
        replies = [(request, await generator.generate(request)) for request in requests]
        return [dialogue for request, reply in replies for dialogue in _dialogues(reply, request)]
    finally:
        await generator.close()


def _dialogues(reply: Reply, request: Request) -> list[Dialogue]:
    """Return the dialogues of a reply: one, or one for each number of the request."""
    if "dialogues" not in request.prompt.schema.get("properties", {}):
        return [parse(reply, request.prompt)]
    outcomes = parse_dialogues(reply, request.prompt, request.numbers).values()
    dialogues = [outcome for outcome in outcomes if isinstance(outcome, Dialogue)]
    assert len(dialogues) == len(request.numbers), f"of the requested dialogues {[*outcomes]} were returned"
    return dialogues


def check_check(check: Check, annotations: Sequence[Annotation] = (), context: Context | None = None) -> None:
    """Check a check: pure, and every finding has a code and a reason."""
    _check_component(check)
    for annotation in annotations or [make_annotation(sample) for sample in make_samples()]:
        finding = check.check(annotation, context or Context())
        assert finding == check.check(annotation, context or Context()), (
            f"{check} finds something else on the second call"
        )
        assert finding is None or (finding.code and finding.reason), f"{check}: {finding} lacks a code or a reason"


def check_sink(sink: Sink, folder: Path, source: Source | None = None) -> list[Path]:
    """Check a sink: two runs into new folders below `folder` write the same files; returns their relative paths."""
    from pgen.api import annotate

    outputs = []
    for name in ("first", "second"):
        annotate(source or FakeSource(), folder / name, generator=FakeGenerator(), sampler=FirstFrames(), sink=sink)
        files = (file for file in (folder / name).rglob("*") if file.is_file())
        outputs.append(sorted(file.relative_to(folder / name) for file in files))
    assert outputs[0], f"{sink} writes no file"
    assert outputs[0] == outputs[1], f"{sink} writes other files in the second run"
    return outputs[0]


def check_executor(executor: Executor, folder: Path) -> None:
    """Check an executor: a run of two episodes, below `folder`, has the same results as by the default executor."""
    from pgen.api import annotate

    results = []
    for name, by in (("default", None), ("checked", executor)):
        source, sink = FakeSource(make_episode(), make_episode(index=1)), MemorySink()
        generator = FakeGenerator()
        annotate(source, folder / name, generator=generator, sampler=FirstFrames(), sink=sink, executor=by)
        results.append([(annotation.sample, annotation.outcome) for annotation in sink.annotations])
    assert results[0] == results[1], f"{executor} changes the results"


def check_segmenter(segmenter: Segmenter, source: Source, recordings: Sequence[Recording]) -> None:
    """Check a segmenter that sends no requests: spans that fit the schema `segments`, the same on each call."""
    _check_component(segmenter)
    segmenter.open(source)
    for recording in recordings:
        spans = segmenter.segment(recording)
        assert spans == segmenter.segment(recording), f"{segmenter} returns other spans on the second call"
        problem = validator("segments").first_error(spans)
        assert problem is None, f"{segmenter}: the spans do not fit the schema `segments` at {problem}"


def _check_component(component: Component) -> None:
    """Check what all kinds share: defaults that are JSON values, and pickling."""
    json.dumps(component.defaults())
    copy = pickle.loads(pickle.dumps(component))  # noqa: S301 (pickled right here)
    assert repr(copy) == repr(component), f"{component} is {copy} after pickling"
