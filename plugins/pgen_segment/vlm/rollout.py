"""Rollouts of `vlm`: an episode to its spans, or to names for a vocabulary, and the merge of these names.

A rollout may run in another process, so that its result holds all that it counted.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

from pgen.components import EpisodeSpans, Generator, ImageReader, Source
from pgen.errors import SampleError
from pgen.inference.ask import failure
from pgen.inference.rollout import RolloutContext
from pgen.inference.scheduler import Rollouts
from pgen.media import SampleImages
from pgen.records import Episode, Failure, Sample, Skill, Usage
from pgen_dialogue.prompts import Template
from pgen_segment.normalize import normalize_spans
from pgen_segment.vlm.episode import EpisodeRequests, JournaledRequests, Look
from pgen_segment.vlm.naming import Naming
from pgen_segment.vlm.windows import read_images

WITHIN = 0.5
"""Seconds: half the length of the shortest skills, so that an edge hardly ever moves past one."""


def snap(skills: Sequence[Skill], points: Sequence[float]) -> list[Skill]:
    """Return normalized spans with the edges between them at change points; none is lost, some may become short."""
    if not skills:
        return []
    edges = [skills[0].start, *snapped([skill.start for skill in skills[1:]], points), skills[-1].end]
    return [replace(skill, start=a, end=b) for skill, (a, b) in zip(skills, pairwise(edges), strict=True)]


def snapped(edges: Sequence[float], points: Sequence[float]) -> list[float]:
    """Return each edge at the change point nearest to it, where there is one within `WITHIN` seconds.

    Both are ascending, and so is the result. The nearest pairs come first; a point takes one edge, and no
    edge moves past another. An edge without a point stays where it is.
    """
    pairs = [
        (abs(points[point] - edge), position, points[point])
        for position, edge in enumerate(edges)
        for point in range(bisect_left(points, edge - WITHIN), bisect_right(points, edge + WITHIN))
    ]
    moved = [float("-inf"), *edges, float("inf")]
    done: set[int] = set()
    for _, position, point in sorted(pairs):
        if position not in done and moved[position] < point < moved[position + 2]:
            moved[position + 1] = point
            done.add(position)
    return moved[1:-1]


class SegmentItem(NamedTuple):
    """An episode to segment, with names from `vocabulary` if there is one.

    Edges are moved to `points`, where the arm changes, unless that is None.
    """

    episode: Episode
    vocabulary: tuple[str, ...]
    points: Sequence[float] | Failure | None


class ProposalItem(NamedTuple):
    """An episode whose names are wanted for a vocabulary."""

    episode: Episode
    vocabulary: tuple[str, ...] = ()


class MergeItem(NamedTuple):
    """Names to merge to a vocabulary, with how often each was given; `episode` is shown as an example."""

    episode: Episode
    counts: Counter[str]
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """The result of a proposal, or of a merge: names, or why there are none."""

    outcome: Sequence[str] | Failure
    merged: bool
    usage: Usage
    recalled: int
    changes: Counter[str]


@dataclass(frozen=True)
class SegmentationRollouts(Rollouts):
    """`own_names`: the vocabulary is the user's, and used as it is; `template` is the user's prompt."""

    source: Source
    generator: Generator
    seed: int
    look: Look
    style: str
    own_names: bool
    relabel: bool
    template: Template | None = None

    def reader(self) -> AbstractContextManager[ImageReader]:
        return self.source.reader(self.look.pixels_per_frame)

    def read(self, reader: ImageReader, sample: Sample) -> SampleImages:
        return read_images(reader, sample, self.look.max_pixels, clips=self.look.clips)

    async def rollout(self, item: Any, context: RolloutContext) -> EpisodeSpans | Names:
        changes: Counter[str] = Counter()
        requests = JournaledRequests(context, self.seed, changes, self.most_cameras(item))
        naming = Naming(self.style, item.vocabulary, self.own_names, changes)
        episode = EpisodeRequests(requests, self.look, naming, self.template)
        outcome: Any
        try:
            outcome = await self._outcome(item, episode)
        except SampleError as error:
            outcome = failure(error)
        return self._result(item, outcome, usage=requests.usage, recalled=requests.recalled, changes=changes)

    def most_cameras(self, item: Any) -> int | None:
        """Return the most cameras that the requests of an item show; None for all."""
        return None

    def _result(self, item: Any, outcome: Any, **counted: Any) -> EpisodeSpans | Names:
        """Return the outcome of an item as the last result of its rollout."""
        if isinstance(item, ProposalItem | MergeItem):
            return Names(outcome=outcome, merged=isinstance(item, MergeItem), **counted)
        return EpisodeSpans(episode_index=item.episode.index, outcome=outcome, **counted)

    async def _outcome(self, item: Any, episode: EpisodeRequests) -> Any:
        if isinstance(item, MergeItem):
            return await episode.merge(item.counts, item.episode)
        if isinstance(item, ProposalItem):
            return [skill.name for skill in await episode.skills(item.episode)]
        if isinstance(item.points, Failure):
            return item.points
        skills: Sequence[Skill] = await episode.skills(item.episode)
        if item.points is not None or self.relabel:
            # What is changed here is counted when the job normalizes the result.
            skills = normalize_spans(as_spans(skills), item.episode, Counter())
        if item.points is not None:
            skills = snap(skills, item.points)
        if self.relabel:
            skills = await episode.relabel(item.episode, skills)
        return as_spans(skills)


def as_spans(skills: Sequence[Skill]) -> list[dict[str, Any]]:
    """Return spans as JSON objects (schema `segments`)."""
    return [
        {"name": it.name, "start": it.start, "end": it.end, **({"failed": True} if it.failed else {})} for it in skills
    ]
