"""Records to start from, and fakes of the components of a run."""

import json
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from pgen.components import Generator, ImageReader, Recorder, Results, Sampler, Sink, Source
from pgen.media import encode
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
    """Return an episode with these skills and `length` frames (default: to the end of the last skill)."""
    spans = spans or PICK_AND_PLACE
    frames = length if length is not None else round(spans[-1][2] * fps)
    times = array("d", (frame / fps for frame in range(frames)))
    skills = tuple(Skill(*span) for span in spans)
    return Episode(index, f"ep_{index:06d}", task, fps, times, skills, cameras=("front",))


def make_samples(episode: Episode | None = None, sampler: Sampler | None = None) -> list[Sample]:
    """Return the samples of an episode: the first frame of each skill, or those that the sampler chooses."""
    episode = episode or make_episode()
    return samples_of(episode, FakeSource(episode), sampler or FirstFrames())


def make_annotation(sample: Sample, user_prompt: str | None = None) -> Annotation:
    """Return an annotation with a dialogue; its default user prompt names the skill and the frame."""
    text = user_prompt or f"Please: {sample.span.skill} ({sample.span.episode_id}, {sample.moment.frame_index})."
    return Annotation(sample, Plan(), Dialogue(text, "All right."))


class FakeSource(Source):
    """Episodes from memory, with one grey image per camera."""

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
    """Replies with `answer(request)`: a Reply, its text, or an exception to raise. Records the requests."""

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


class FakeMomentGenerator(FakeGenerator):
    """A FakeGenerator that takes requests for all dialogues of a moment."""

    several = True


class MemoryRecorder(Recorder):
    """Keeps the results of rollouts in `results`, in the order in which they come; `recorded` is the journal."""

    def __init__(
        self, recorded: Mapping[Any, Any] | None = None, on_result: Callable[[Any], object] = lambda result: None
    ) -> None:
        self.recorded, self.on_result = recorded or {}, on_result
        self.results: list[Any] = []

    def recall(self, key: Any) -> Any:
        return self.recorded.get(key)

    async def record(self, item: Any, result: Any) -> None:
        self.results.append(result)
        self.on_result(result)

    async def finish(self, item: Any, result: Any) -> None:
        if result is not None:
            await self.record(item, result)


class MemorySink(Sink):
    """Stores the annotations of a run in `annotations`, and its manifest in `manifest`."""

    name = "memory"

    def write(self, results: Results, out: Path) -> None:
        self.annotations = [annotation for _, annotations in results.read() for annotation in annotations]
        self.manifest = results.manifest


def plain_answer(request: Request) -> str:
    """Return a reply that fits any schema of dialogues and passes all checks, with the first value of each enum."""
    properties: dict[str, Any] = dict(request.prompt.schema.get("properties", {}))
    if "dialogues" not in properties:
        return json.dumps(_plain_dialogue(request.sample, properties))
    item = properties["dialogues"]["items"]["properties"]
    numbered = ((number, request.samples[number - 1]) for number in request.numbers)
    dialogues = [{**_plain_dialogue(sample, item), "number": number} for number, sample in numbered]
    return json.dumps({"seen": "a table", "fits": True, "dialogues": dialogues})


def _plain_dialogue(sample: Sample, properties: Mapping[str, Any]) -> dict[str, Any]:
    noun = (sample.span.skill.split() or ["this"])[-1]
    place = f"{sample.span.episode_index}-{sample.moment.frame_index}-{sample.question.variant}"
    scope = "" if sample.question.scope == "step" else f" {sample.question.scope}"
    dialogue = {
        "user_prompt": f"Please, {noun}{scope}: {place}.",
        "robot_utterance": f"Now {sample.moment.frame_index}.",
    }
    return dialogue | {key: value["enum"][0] for key, value in properties.items() if "enum" in value}


class FirstFrames(Sampler):
    """The first frame of each skill."""

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
