"""The dialogues of an episode whose spans a person edited: which still lead to the skills of their frames.

A dialogue is kept where the skills that it leads to have the same names as before, neighbours of one name counting
once. Any other is stale: it labels no frame until a person accepts or edits it for the present skills.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from pgen.labels import frame_ranges
from pgen.records import Annotation, Episode, Failure, Review, Sample, Skill
from pgen_review.events import Key
from pgen_review.fold import Fold
from pgen_review.spans import edited


class Matching:
    """An episode after the events of a review. `original` has the spans, and its dialogues, from before them."""

    def __init__(self, original: Episode, fold: Fold) -> None:
        self.original, self._fold = original, fold
        self._event = fold.spans(original.index)
        self._broken: set[int] = set()
        """The conversations with a stale turn, by the number of their wordings."""
        self.episode = edited(original, self._event)
        self.ranges = frame_ranges(self.episode)

    @property
    def is_edited(self) -> bool:
        """Whether the episode has other spans than before the review."""
        return self._event is not None

    def adapted(self, before: Annotation) -> Annotation:
        """Return an annotation of the original spans for the present ones."""
        if self._event is None:
            return before
        return replace(before, sample=adapted(before.sample, self.original, self.episode))

    def former_skills(self, before: Annotation, key: Key) -> list[str]:
        """Return the skills that a dialogue led to when somebody last decided on it, without the present ones."""
        present = self.adapted(before).sample.skills
        return [name for name in _once(_names(*self._decided(before, key))) if name not in present]

    def checked(self, before: Annotation, key: Key, after: Annotation) -> Annotation:
        """Return an annotation after its events, withdrawn if it is stale; `before` has the original spans.

        The annotations of an episode are passed in order: those after a stale turn of a conversation refer to it.
        """
        reason = self._stale(before, key, after) or self._of_turns(key, after)
        if reason and after.sample.question.turn_type:
            self._broken.add(key.variant)
        return self._withdrawn(after, reason) if reason else after

    def _stale(self, before: Annotation, key: Key, after: Annotation) -> str:
        """Return why a dialogue does not lead to the skills of its frames any more, or ""."""
        if self._event is None or _rejected(after):
            return ""
        place = after.sample.span.skill_index
        if after.sample.moment.frame_index not in self.ranges[place]:
            return "no skill goes on at its frame now"
        if after.dialogue is None:
            return ""
        decided, sample = self._decided(before, key)
        is_at_skill = sample.moment.frame_index in frame_ranges(decided)[sample.span.skill_index]
        was, now = _once(_names(decided, sample)), _once(_names(self.episode, after.sample))
        if was != now or not is_at_skill:
            return _difference(was, now)
        from pgen_lerobot.verify import misfit

        return misfit(self.episode, self.ranges, after) or ""

    def _decided(self, before: Annotation, key: Key) -> tuple[Episode, Sample]:
        """Return the episode and the sample as they were when somebody last decided on a dialogue."""
        decided = edited(self.original, self._fold.spans(self.original.index, self._fold.outcome(key).decided))
        return decided, adapted(before.sample, self.original, decided)

    def _of_turns(self, key: Key, after: Annotation) -> str:
        """Return why a turn does not follow those before it any more, or ""; a later decision settles it."""
        is_turn = after.dialogue is not None and after.sample.question.turn_type is not None
        if self._event is None or not is_turn or key.variant not in self._broken:
            return ""
        return "" if self._fold.outcome(key).decided > self._event.n else "an earlier turn of its conversation is stale"

    def _withdrawn(self, annotation: Annotation, reason: str) -> Annotation:
        """Return an annotation that labels no frame."""
        event, review = self._event, annotation.review
        assert event is not None
        original = (review and review.original) or replace(annotation, review=None)
        frames = review.frames if review else None
        stale = Review("stale", event.author, event.at, "", original, frames)
        return replace(annotation, outcome=Failure("review", reason), checks=(), judgement=None, review=stale)


def adapted(sample: Sample, original: Episode, episode: Episode) -> Sample:
    """Return a sample of an episode for other spans of it: those of its frame, and those that it leads to."""
    if episode is original:
        return sample
    moved, names, ranges = placed(sample, episode), [skill.name for skill in episode.skills], frame_ranges(episode)
    place = moved.span.skill_index
    count = _count(sample, original, names[place:], ranges[place:])
    return replace(moved, question=replace(sample.question, skills=count))


def placed(sample: Sample, episode: Episode) -> Sample:
    """Return a sample with the span of its frame, or the one before it, or the first one."""
    ranges, frame = frame_ranges(episode), sample.moment.frame_index
    place = max((at for at, frames in enumerate(ranges) if frames.start <= frame), default=0)
    names = [skill.name for skill in episode.skills]
    span = replace(
        sample.span,
        skill_index=place,
        skill=names[place],
        history=tuple(names[:place]),
        future=tuple(names[place + 1 :]),
    )
    running = round(episode.timestamps[frame] - episode.timestamps[ranges[place].start], 3)
    moment = replace(sample.moment, running=max(running, 0.0))
    return replace(sample, span=span, moment=moment)


def _count(sample: Sample, original: Episode, names: Sequence[str], ranges: Sequence[range]) -> int:
    """Return how many skills an exchange leads to: those of the same names, or else those of the same frames."""
    question = sample.question
    if question.scope == "step":
        return 1
    before = frame_ranges(original)[sample.span.skill_index :][: question.skills]
    stop = max((frames.stop for frames in before if frames), default=0)
    wanted = _once(_names(original, sample))
    same = [count for count in range(1, len(names) + 1) if _once(names[:count]) == wanted]
    if same:
        return min(same, key=lambda count: abs(ranges[count - 1].stop - stop))
    return max(1, sum(frames.start < stop for frames in ranges))


def _names(episode: Episode, sample: Sample) -> list[str]:
    """Return the names of the skills that an exchange leads to, without those that have no frame."""
    first = sample.span.skill_index
    pairs: list[tuple[Skill, range]] = list(zip(episode.skills, frame_ranges(episode), strict=True))
    return [skill.name for skill, frames in pairs[first : first + sample.question.skills] if frames]


def _once(names: Sequence[str]) -> list[str]:
    return [name for name, _ in groupby(names)]


def _difference(was: Sequence[str], now: Sequence[str]) -> str:
    """Say in which skill two lists differ first."""
    place = next((at for at, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), len(now))
    if place >= min(len(was), len(now)):
        return f"it leads to “{'; '.join(was)}”, and not all of these skills follow now"
    return f"it leads to “{was[place]}”, and the skill is “{now[place]}” now"


def _rejected(annotation: Annotation) -> bool:
    """Return whether a person rejected the dialogue, which labels nothing by that."""
    return annotation.review is not None and annotation.review.state == "rejected"
