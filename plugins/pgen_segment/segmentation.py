"""The spans of all chosen episodes: from a segmenter's rules, or from rollouts that ask a model."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from pgen.components import EpisodeSpans, Executor, Generator, ModelSegmenter, Recording, Segmenter
from pgen.errors import SampleError
from pgen.labels import frame_ranges
from pgen.records import Episode, Failure, Skill
from pgen.run.commit_loop import generate
from pgen.storage.journal import Journal
from pgen_lerobot.read import LeRobotSource
from pgen_segment import reading
from pgen_segment.normalize import normalize_spans

type Step = Callable[[int], object]
"""Called with the index of an episode that is done."""


@dataclass(frozen=True, slots=True)
class Segmented:
    """An episode's own task, and its spans with the frames of each; `levels` has them at each level of detail."""

    task: str
    skills: tuple[Skill, ...]
    frames: tuple[range, ...]
    levels: Mapping[str, tuple[Skill, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class Segmentation:
    """The spans of each episode, the episodes that failed, and what was changed, counted.

    With `as_written`, spans are taken over without normalizing them.
    """

    keep_idle: bool = False
    as_written: bool = False
    episodes: dict[int, Segmented] = field(default_factory=dict)
    failed: dict[int, Failure] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)
    frames: int = 0

    @property
    def spans(self) -> int:
        """The number of all spans."""
        return sum(len(episode.skills) for episode in self.episodes.values())

    def add(self, episode: Episode, spans: Any, levels: Mapping[str, Any] | None = None) -> None:
        """Normalize an episode's spans (schema `segments`, or a Failure) and those at each level, and add them."""
        self.frames += len(episode.timestamps)
        try:
            if isinstance(spans, Failure):
                raise SampleError(spans.stage, spans.reason)
            skills = self._read(spans, episode, self.changes)
            # Changes are counted once, at the level that is written.
            of_levels = {level: self._read(it, episode, Counter()) for level, it in (levels or {}).items()}
        except SampleError as error:
            self.failed[episode.index] = Failure(error.stage, error.reason)
        else:
            frames = frame_ranges(replace(episode, skills=skills))
            self.episodes[episode.index] = Segmented(episode.task, skills, tuple(frames), of_levels)

    def _read(self, spans: Any, episode: Episode, changes: Counter[str]) -> tuple[Skill, ...]:
        if self.as_written:
            return tuple(Skill(**span) for span in spans)
        return normalize_spans(spans, episode, changes, keep_idle=self.keep_idle)


def segment_all(
    source: LeRobotSource,
    segmenter: Segmenter,
    *,
    keep_idle: bool = False,
    allowed: float = inf,
    step: Step = lambda episode: None,
) -> Segmentation:
    """Return the spans of every chosen episode, or those up to the failure that is one too many.

    Both components are open.
    """
    segmentation = Segmentation(keep_idle, segmenter.keeps_spans)
    for recording in reading.recordings(source, segmenter.columns):
        try:
            spans = segmenter.segment(recording)
        except SampleError as error:
            spans = Failure(error.stage, error.reason)
        levels = spans.get("levels") if isinstance(spans, Mapping) else None
        segmentation.add(recording.episode, spans, levels)
        step(recording.episode.index)
        if len(segmentation.failed) > allowed:
            break
    return segmentation


@dataclass(frozen=True, slots=True)
class Model:
    """What rollouts of a segmenter need: who answers, where, and the journal of the results."""

    generator: Generator
    executor: Executor
    journal: Journal
    seed: int


def segment_by_model(
    source: LeRobotSource,
    segmenter: ModelSegmenter,
    model: Model,
    *,
    keep_idle: bool = False,
    allowed: float = inf,
    step: Step = lambda episode: None,
) -> Segmentation:
    """Do the same with rollouts. Results are committed as they come, so that a run that is started again goes on."""
    segmentation = Segmentation(keep_idle, segmenter.keeps_spans)
    in_progress: dict[int, Episode] = {}

    def recordings() -> Iterator[Recording]:
        for recording in reading.recordings(source, segmenter.columns):
            in_progress[recording.episode.index] = recording.episode
            yield recording

    def receive(result: Any) -> bool:
        segmenter.receive(result)
        if isinstance(result, EpisodeSpans):
            segmentation.add(in_progress.pop(result.episode_index), result.outcome, result.levels)
        return len(segmentation.failed) > allowed

    def report(result: Any) -> None:
        if isinstance(result, EpisodeSpans):
            step(result.episode_index)

    work = segmenter.work(model.generator, model.seed)
    generate(model.executor, work, segmenter.rounds(recordings()), model.journal, receive, report)
    segmentation.failed = dict(sorted(segmentation.failed.items()))
    return segmentation
