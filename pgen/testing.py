"""For tests of plugins, ours and anybody's: records to start from, fakes, and the contracts as checks.

A check raises AssertionError with a sentence that says which promise was broken.
"""

import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from pgen.components import Generator, ImageReader, PromptBuilder, Results, Sampler, Sink, Source
from pgen.formats.schemas import compiled, first_error
from pgen.inference.parsing import parse
from pgen.media.images import encode
from pgen.records import Annotation, Dialogue, Episode, Image, Plan, Reply, Request, Sample, Skill
from pgen.run.planning import samples_of

PICK_AND_PLACE = (
    ("robot arm moves towards pink lego brick", 0.0, 1.8),
    ("robot arm picks up pink lego brick", 1.8, 3.1),
    ("robot arm moves towards transparent box", 3.1, 5.5),
)


def make_episode(
    *spans: tuple[str, float, float],
    index: int = 0,
    fps: float = 10.0,
    length: int | None = None,
    task: str = "tidy up",
) -> Episode:
    """An episode with these skills, `length` frames long (default: to the end of the last skill)."""
    spans = spans or PICK_AND_PLACE
    frames = length if length is not None else round(spans[-1][2] * fps)
    times = array("d", (frame / fps for frame in range(frames)))
    skills = tuple(Skill(*span) for span in spans)
    return Episode(index, f"ep_{index:06d}", task, fps, times, skills, cameras=("front",))


def make_samples(episode: Episode | None = None, sampler: Sampler | None = None) -> list[Sample]:
    """The samples of an episode: the first frame of each skill, or what the sampler chooses."""
    episode = episode or make_episode()
    return samples_of(episode, FakeSource(episode), sampler or _EachSkill())


def make_annotation(sample: Sample, user_prompt: str | None = None) -> Annotation:
    """An answered sample; its user prompt names the skill and the frame, where none is given."""
    text = user_prompt or f"Please: {sample.span.skill} ({sample.span.episode_id}, {sample.moment.frame_index})."
    return Annotation(sample, Plan(), Dialogue(text, "All right."))


class FakeSource(Source):
    """Episodes from memory, with one grey picture a camera."""

    name = "fake"

    def __init__(self, *episodes: Episode) -> None:
        super().__init__()
        self._episodes = episodes or (make_episode(),)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._episodes

    def episodes(self) -> Iterator[Episode]:
        return iter(self._episodes)

    def reader(self, max_pixels: int) -> AbstractContextManager[ImageReader]:
        return nullcontext(_GreyImages(max_pixels))

    def image_names(self, episode: Episode, frame_index: int) -> tuple[str, ...]:
        return tuple(f"{camera}/{episode.id}/{frame_index}.jpg" for camera in episode.cameras)


class FakeGenerator(Generator):
    """Answers with `answer(request)`: a Reply, the text of one, or an exception to raise. Keeps the requests."""

    name = "fake"

    def __init__(
        self, answer: Callable[[Request], Reply | str | Exception] | None = None, concurrency: int = 4
    ) -> None:
        super().__init__()
        self.answer = answer or plain_answer
        self._concurrency = concurrency
        self.requests: list[Request] = []

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.answer, self._concurrency)

    @property
    def concurrency(self) -> int:
        return self._concurrency

    async def generate(self, request: Request) -> Reply:
        self.requests.append(request)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else Reply(answer)


class MemorySink(Sink):
    """Keeps the annotations of a run in `annotations`, and its manifest."""

    name = "memory"

    def write(self, results: Results, out: Path) -> None:
        self.annotations = [annotation for _, found in results.read() for annotation in found]
        self.manifest = results.manifest


def plain_answer(request: Request) -> str:
    """A reply that fits any schema of a dialogue and passes every check; a property with an enum takes its first."""
    sample = request.sample
    thing = (sample.span.skill.split() or ["this"])[-1]
    asked = f"Please, {thing}: {sample.span.episode_index}-{sample.moment.frame_index}-{sample.question.variant}."
    said = {"user_prompt": asked, "robot_utterance": f"Now {sample.moment.frame_index}."}
    properties: dict[str, Any] = dict(request.prompt.schema.get("properties", {}))
    types = {key: value["enum"][0] for key, value in properties.items() if "enum" in value}
    return json.dumps({**said, **types})


def check_sampler(sampler: Sampler, episodes: Sequence[Episode] = ()) -> None:
    """Frames inside the episode, the same each time, also of an episode without frames or skills."""
    for episode in episodes or (make_episode(), make_episode(length=1), make_episode(length=0)):
        frames = list(sampler.frames(episode))
        assert all(0 <= frame < len(episode.timestamps) for frame in frames), f"{sampler} leaves the episode: {frames}"
        assert frames == list(sampler.frames(episode)), f"{sampler} chooses other frames the second time"


def check_prompt_builder(
    builder: PromptBuilder, samples: Sequence[Sample] = (), seeds: Sequence[int] = (0, 1, 2)
) -> None:
    """Pure, names the current skill, has a valid schema, and accepts its own example reply."""
    builder.open()
    for sample in samples or make_samples():
        for seed in seeds:
            prompt = builder.build(sample, seed)
            assert prompt == builder.build(sample, seed), f"{builder} builds another prompt the second time"
            assert sample.span.skill in prompt.text, f"{builder} does not name the current skill"
            example = builder.example(sample, seed)
            problem = first_error(compiled(prompt.schema), example)
            assert problem is None, f"{builder} refuses its own example: {problem}"


async def check_generator(generator: Generator, requests: Sequence[Request]) -> list[Dialogue]:
    """Opens, answers every request with a dialogue that fits its schema, and closes."""
    await generator.open()
    try:
        return [parse(await generator.generate(request), request.prompt) for request in requests]
    finally:
        await generator.close()


class _EachSkill(Sampler):
    name = "each-skill"

    def frames(self, episode: Episode) -> Iterator[int]:
        for skill in episode.skills:
            yield from [frame for frame, time in enumerate(episode.timestamps) if time >= skill.start - 1e-6][:1]


class _GreyImages(ImageReader):
    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels

    def images(self, sample: Sample) -> tuple[Image, ...]:
        from PIL.Image import new

        return tuple(
            encode(new("RGB", (64, 48), (128, 128, 128)), key, self._max_pixels) for key in sample.moment.cameras
        )
