"""Rollouts of `hybrid`: the pieces of an episode to named spans of each level, or to names for a vocabulary.

An episode without usable motion is segmented as by `vlm`.
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pgen.components import EpisodeSpans, ImageReader
from pgen.media import SampleImages
from pgen.records import Episode, Failure, Sample, Skill
from pgen_segment.hybrid.naming import SpanNaming
from pgen_segment.hybrid.sheet import is_numbered, read_sheets
from pgen_segment.levels import PHASE, SKILL, levels, phase_spans
from pgen_segment.motion.spans import MotionSpan
from pgen_segment.vlm.episode import EpisodeRequests
from pgen_segment.vlm.rollout import Names, SegmentationRollouts, SegmentItem, as_spans


class NumberedItem(NamedTuple):
    """An episode whose pieces are to be named, from `vocabulary` if there is one."""

    episode: Episode
    vocabulary: tuple[str, ...]
    pieces: tuple[MotionSpan, ...]


class NumberedProposal(NamedTuple):
    """An episode whose names are wanted for a vocabulary."""

    episode: Episode
    pieces: tuple[MotionSpan, ...]
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True)
class SheetLook:
    """What a request shows and names: pixels of all sheets, cameras, and numbers at most."""

    pixels: int
    cameras: int
    numbers: int


@dataclass(frozen=True, kw_only=True)
class HybridRollouts(SegmentationRollouts):
    """The spans are those of `level`."""

    level: str
    sheets: SheetLook

    def read(self, reader: ImageReader, sample: Sample) -> SampleImages:
        if is_numbered(sample):
            return read_sheets(reader, sample, self.sheets.pixels, self.sheets.cameras)
        return super().read(reader, sample)

    async def _outcome(self, item: Any, episode: EpisodeRequests) -> Any:
        if not isinstance(item, NumberedItem | NumberedProposal):
            return await super()._outcome(item, replace(episode, template=None))  # one for numbers
        naming = SpanNaming(episode, self.level, self.sheets.numbers)
        spans = levels(await naming.motions(item.episode, item.pieces))
        if isinstance(item, NumberedProposal):
            return [skill.name for skill in spans[self.level]]
        if self.relabel:
            spans[self.level] = await episode.relabel(item.episode, spans[self.level])
        return spans

    def most_cameras(self, item: Any) -> int | None:
        return self.sheets.cameras if isinstance(item, NumberedItem | NumberedProposal) else None

    def _result(self, item: Any, outcome: Any, **counted: Any) -> EpisodeSpans | Names:
        if isinstance(item, NumberedProposal):
            return Names(outcome=outcome, merged=False, **counted)
        if isinstance(outcome, Failure) or not isinstance(item, NumberedItem | SegmentItem):
            return super()._result(item, outcome, **counted)
        if isinstance(item, SegmentItem):
            skills = [Skill(**span) for span in outcome]
            outcome = {SKILL: skills, PHASE: [*phase_spans(skills)]}
        found = {level: as_spans(of_level) for level, of_level in outcome.items()}
        chosen = found.get(self.level) or found[SKILL]
        return EpisodeSpans(episode_index=item.episode.index, outcome=chosen, levels=found, **counted)
