"""Exchanges: dialogues with the frames over which they are in force, and the one that labels each frame.

A `step` exchange is in force from its moment to the next one of its span, or to the span's end; the frames of a span
before its first answered moment have that one's. A `phase` exchange is in force to the end of its last span, `episode`
and `standing` ones to the end of the last span of all. So no frame of a span is covered by an exchange that does not
lead to its skill. Dialogues of samples that failed are missing, and the exchanges around them cover their frames.
A person may shorten an exchange, or extend it within the frames of its skills.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pgen.labels.spans import frame_ranges
from pgen.records import SCOPES, Annotation, Episode, Scope
from pgen.seeds import derive

DEFAULT_WEIGHTS: dict[Scope, float] = {"episode": 2, "phase": 3, "step": 4, "standing": 1}


@dataclass(frozen=True, slots=True)
class Labelling:
    """How the label of a frame is drawn among the exchanges in force (see the run's options of the same names)."""

    scopes: Mapping[Scope, float] = field(default_factory=lambda: DEFAULT_WEIGHTS)
    speech: str = "hold"
    silence: float = 0.0
    seed: int = 0

    @classmethod
    def of_run(cls, run: Mapping[str, Any]) -> "Labelling":
        """Return what a manifest's `run` says; a result of an earlier version labels by its steps alone."""
        if "scopes" not in run:
            return cls(seed=int(run.get("seed", 0)))
        return cls(run["scopes"], run["speech"], run["silence"], run["seed"])


@dataclass(frozen=True, slots=True)
class Exchange:
    """The dialogue of an annotation, in force over the frames [start, stop) of its episode."""

    annotation: Annotation
    start: int
    stop: int

    @property
    def scope(self) -> Scope:
        """What it leads to."""
        return self.annotation.sample.question.scope

    @property
    def skills(self) -> tuple[str, ...]:
        """The names of the skills that it leads to, in order."""
        return self.annotation.sample.skills


@dataclass(frozen=True, slots=True)
class Stretch:
    """The frames [start, stop) of an episode with one label; None if they have no dialogue.

    `spoken` is false where the robot's utterance is over.
    """

    start: int
    stop: int
    exchange: Exchange | None
    spoken: bool = True

    @property
    def annotation(self) -> Annotation | None:
        """The annotation whose dialogue labels the frames."""
        return self.exchange.annotation if self.exchange else None


def exchanges(episode: Episode, annotations: Iterable[Annotation]) -> list[Exchange]:
    """Return the exchanges of an episode's answered annotations, by their first frames."""
    ranges = frame_ranges(episode)
    answered = [it for it in annotations if it.dialogue and not it.sample.question.counterfactual]
    if not ranges:  # a source of single moments knows no spans
        return []
    steps: dict[int, list[int]] = {}
    for annotation in answered:
        if annotation.sample.question.scope == "step":
            frames = steps.setdefault(annotation.sample.span.skill_index, [])
            frames.append(annotation.sample.moment.frame_index)
    made = (_exchange(annotation, ranges, steps) for annotation in answered)
    return sorted((it for it in made if it.start < it.stop), key=lambda it: (it.start, SCOPES.index(it.scope)))


def allowed_frames(annotation: Annotation, ranges: Sequence[range]) -> range:
    """Return the frames of the skills that a dialogue leads to: it must not be in force outside of them."""
    question, position = annotation.sample.question, annotation.sample.span.skill_index
    skills = 1 if question.scope == "step" else question.skills
    last = min(position + skills, len(ranges)) - 1
    return range(ranges[position].start, ranges[last].stop)


def _exchange(annotation: Annotation, ranges: list[range], steps: Mapping[int, list[int]]) -> Exchange:
    question, frame = annotation.sample.question, annotation.sample.moment.frame_index
    position = annotation.sample.span.skill_index
    if annotation.review and annotation.review.frames:
        start, stop = annotation.review.frames
        allowed = allowed_frames(annotation, ranges)
        return Exchange(annotation, max(start, allowed.start), min(stop, allowed.stop))
    if question.scope == "step":
        frames = sorted(set(steps[position]))
        start = ranges[position].start if frame == frames[0] else frame
        later = frames[bisect_right(frames, frame) :]
        return Exchange(annotation, start, later[0] if later else ranges[position].stop)
    return Exchange(annotation, frame, allowed_frames(annotation, ranges).stop)


def label(episode: Episode, annotations: Iterable[Annotation], labelling: Labelling) -> list[Stretch]:
    """Return stretches that cover every frame of the episode once, in order, each labelled with one exchange."""
    made = exchanges(episode, annotations)
    drawn: list[Stretch] = []
    for frames in frame_ranges(episode):
        drawn += _label_span(episode, frames, made, labelling, drawn[-1].exchange if drawn else None)
    stretches = _with_gaps(drawn, len(episode.timestamps))
    if labelling.speech == "hold":
        return list(stretches)
    return [part for stretch in stretches for part in _spoken_once(episode, stretch)]


def _label_span(
    episode: Episode, frames: range, made: Sequence[Exchange], labelling: Labelling, latest: Exchange | None
) -> Iterator[Stretch]:
    inside = [it for it in made if it.start < frames.stop and it.stop > frames.start]
    if _below(labelling.silence, labelling.seed, "silence", episode.id, frames.start):
        lasting = [it for it in inside if it.start < frames.start and it.stop >= frames.stop]
        held = [it for it in lasting if it == latest] or lasting
        inside = held or inside
    edges = {edge for it in inside for edge in (it.start, it.stop) if frames.start < edge < frames.stop}
    for start, stop in pairwise([frames.start, *sorted(edges), frames.stop]):
        in_force = [it for it in inside if it.start <= start and it.stop >= stop]
        if in_force and start < stop:
            yield Stretch(start, stop, _draw(episode, start, in_force, labelling))


def _draw(episode: Episode, start: int, in_force: Sequence[Exchange], labelling: Labelling) -> Exchange:
    """Draw a scope by its weight, then one of its exchanges; all are alike where none has a weight."""
    weights = {scope: labelling.scopes.get(scope, 0.0) for scope in sorted({it.scope for it in in_force})}
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    left = sum(weights.values()) * derive(labelling.seed, "scope", episode.id, start) / 2**32
    chosen = ""
    for scope, weight in weights.items():
        chosen, left = scope if weight else chosen, left - weight
        if left < 0:
            break
    wordings = [it for it in in_force if it.scope == chosen]
    latest = [it for it in wordings if it.start == max(other.start for other in wordings)]
    return latest[derive(labelling.seed, "wording", episode.id, start) * len(latest) // 2**32]


def _spoken_once(episode: Episode, stretch: Stretch) -> Iterator[Stretch]:
    """Yield the stretch in two parts where a second has passed since its exchange began."""
    if stretch.exchange is None:
        yield stretch
        return
    times = episode.timestamps
    end = bisect_left(times, times[stretch.exchange.start] + 1.0 - 0.1 / episode.fps)
    end = min(max(end, stretch.start), stretch.stop)
    parts = (stretch.start, end, True), (end, stretch.stop, False)
    yield from (Stretch(start, stop, stretch.exchange, spoken) for start, stop, spoken in parts if start < stop)


def _below(share: float, seed: int, *parts: str | int) -> bool:
    return derive(seed, *parts) < share * 2**32


def _with_gaps(stretches: list[Stretch], length: int) -> Iterator[Stretch]:
    """Yield the stretches, with one without a dialogue for each gap before, between and after them."""
    end = 0
    for stretch in [*stretches, Stretch(length, length, None)]:
        if stretch.start > end:
            yield Stretch(end, stretch.start, None)
        if stretch.stop > stretch.start:
            yield stretch
        end = stretch.stop
