"""Rollouts of `phases`: one text request for each window of an episode's skills."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import batched
from typing import Any

from pgen.components import EpisodeSpans, Generator, ImageReader, Source
from pgen.errors import SampleError
from pgen.inference.parsing import parse_object
from pgen.inference.rollout import RolloutContext
from pgen.inference.scheduler import Rollouts
from pgen.labels import phase_positions
from pgen.media import SampleImages
from pgen.records import Episode, Moment, Reply, Sample, Skill, SpanContext
from pgen_dialogue.prompts import is_waiting, phases
from pgen_segment.hybrid.reply import check_numbers, spelled
from pgen_segment.levels import PHASE, SKILL
from pgen_segment.phases import prompts
from pgen_segment.vlm.episode import JournaledRequests
from pgen_segment.vlm.rollout import as_spans

LEAST = 3
"""Skills from which phases say more than the step and the whole task do."""
MOST = 60
"""Skills in a request at most; a phase does not go on beyond them."""
UNGROUPED = "episodes whose skills the model did not group: without phases"


def is_ungrouped(episode: Episode) -> bool:
    """Return whether an episode has no phases: the rule cannot read its labels, and no level of detail has any."""
    names = tuple(skill.name for skill in episode.skills)
    if sum(not is_waiting(name) for name in names) < LEAST or phases(names):
        return False
    return all(stop - start == 1 for start, stop in phase_positions(episode))


@dataclass(frozen=True)
class PhaseRollouts(Rollouts):
    """Each item is an episode; those that have phases are returned as they are."""

    source: Source
    generator: Generator
    seed: int

    def reader(self) -> AbstractContextManager[ImageReader]:
        return self.source.reader(1)

    def read(self, reader: ImageReader, sample: Sample) -> SampleImages:
        return SampleImages(())

    async def rollout(self, item: Episode, context: RolloutContext) -> EpisodeSpans:
        changes: Counter[str] = Counter()
        requests = JournaledRequests(context, self.seed, changes)
        levels: dict[str, Any] = {}
        if is_ungrouped(item):
            try:
                grouped = [phase async for phase in _phases(item, requests)]
                levels = {SKILL: as_spans(item.skills), PHASE: as_spans(grouped)}
            except SampleError:
                changes[UNGROUPED] += 1
        return EpisodeSpans(
            episode_index=item.index,
            outcome=as_spans(item.skills),
            usage=requests.usage,
            levels=levels,
            recalled=requests.recalled,
            changes=changes,
        )


async def _phases(episode: Episode, requests: JournaledRequests) -> AsyncIterator[Skill]:
    """Yield the phases of an episode. Raises SampleError where no reply can be used."""
    context = SpanContext(episode.index, episode.id, episode.task, 0, episode.task, (), ())
    sample = Sample(context, Moment(0, episode.timestamps[0], (), ()))
    first = 1
    for skills in batched(episode.skills, MOST):
        numbers = range(first, first + len(skills))

        def parse(reply: Reply, numbers: range = numbers) -> dict[str, Any]:
            fields = parse_object(reply, prompts.schema(numbers))
            check_numbers(fields["phases"], numbers)
            return {"phases": [_checked(phase, episode.task) for phase in fields["phases"]]}

        reply = await requests.ask(sample, prompts.prompt(episode.task, skills, first), parse)
        for phase in _spans(reply["phases"], skills, first):
            yield phase
        first += len(skills)


def _checked(phase: Mapping[str, Any], task: str) -> dict[str, Any]:
    name = spelled(phase["name"], task, lambda text: " ".join(text.split()))
    return {"numbers": [int(number) for number in phase["numbers"]], "name": name}


def _spans(grouped: Sequence[Any], skills: Sequence[Skill], first: int) -> Iterator[Skill]:
    for phase in grouped:
        own = [skills[number - first] for number in phase["numbers"]]
        yield Skill(phase["name"], own[0].start, own[-1].end, all(skill.failed for skill in own))
