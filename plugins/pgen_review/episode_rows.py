"""The episodes of a segmentation as rows of the queue: those first whose spans look least like skills.

A segmentation has no score of its own, so the order follows from the spans: an episode without one, then one with a
failed attempt, then one with a span that is hardly longer than the shortest that `pgen segment` writes.
"""

from collections.abc import Iterator

from pgen.labels import frame_ranges
from pgen.records import Episode
from pgen_results.reading import FAILED
from pgen_review.events import Key
from pgen_review.sample_table import Row

ATTEMPT, SHORT = 8, 6
"""The badness of an episode with a failed attempt, and of one with a short span; both are problems."""
SECONDS = 0.5
"""What a span must last not to be short."""


def row_of(episode: Episode) -> Row:
    """Return the row of an episode."""
    marks = dict(_marks(episode))
    names = dict.fromkeys(skill.name for skill in episode.skills)
    facets = (
        ("problem", "yes" if marks else "no"),
        ("state", "ok" if episode.skills else "failed"),
        *(("finding", name) for name in ("any", *marks) if marks and episode.skills),
        *(("skill", name) for name in names),
        ("task", episode.task),
    )
    count = len(episode.skills)
    spans = f"{count} {'span' if count == 1 else 'spans'}" if count else "no skills"
    words = set(" ".join((episode.id, episode.task, *names)).lower().split())
    return Row(Key.of_spans(episode.index), f"{episode.task}: {spans}", max(marks.values(), default=0), facets, words)


def _marks(episode: Episode) -> Iterator[tuple[str, int]]:
    """Yield what is worth a look in an episode, with how bad it is."""
    if not episode.skills:
        yield "no_skills", FAILED
    if any(skill.failed for skill in episode.skills):
        yield "failed_attempt", ATTEMPT
    if any(0 < len(frames) < SECONDS * episode.fps for frames in frame_ranges(episode)):
        yield "short_span", SHORT
