"""Samples of spans that a person made, and in which the run has no sample: one at the first frame of each.

Such a sample is open and labels no frame until it has a text. It is there while its span is, or while an event about it
is in force.
"""

from collections.abc import Sequence

from pgen.components import Source
from pgen.records import Annotation, Episode, Failure, Moment, Plan, Sample, SpanContext
from pgen_review.events import Key
from pgen_review.fold import Fold
from pgen_review.matching import Matching, placed
from pgen_review.spans import spans_of

NO_DIALOGUE = "no dialogue yet"
"""Why such a sample labels no frame."""


def added(matching: Matching, originals: Sequence[Annotation], fold: Fold, source: Source) -> list[Annotation]:
    """Return the samples that edits of spans added to the `originals` of an episode, as they are without a text."""
    index = matching.original.index
    own = set(map(Key.of, originals))
    possible = [key for key in fold.starts(index) if key not in own]
    kept = [key for key in possible if fold.is_changed(key)]
    frames = {key.frame for key in (*own, *kept)}
    before = spans_of(matching.original)
    spans = [span for span in spans_of(matching.episode) if span not in before]
    starts = {span.start for span in spans if frames.isdisjoint(range(span.start, span.stop))}
    wanted = [key for key in possible if key in kept or key.frame in starts]
    return [_annotation(matching.original, key.frame, source) for key in wanted]


def is_added(original: Annotation) -> bool:
    """Return whether the original of a sample says that an edit of spans added it."""
    return original.review is None and original.failure is not None and original.failure.stage == "review"


def _annotation(episode: Episode, frame: int, source: Source) -> Annotation:
    """Return the sample of a frame with the spans from before the review."""
    images = source.image_names(episode, frame)
    moment = Moment(frame, episode.timestamps[frame], episode.cameras, images)
    sample = Sample(SpanContext(episode.index, episode.id, episode.task, 0, "", (), ()), moment)
    return Annotation(placed(sample, episode) if episode.skills else sample, Plan(), Failure("review", NO_DIALOGUE))
