"""Count what a segmentation would request, for `pgen segment --dry-run`."""

from collections import Counter
from collections.abc import Iterator

from pgen.components import Segmenter, Source


def plan(source: Source, segmenter: Segmenter) -> Iterator[str]:
    """Yield the counts over the chosen episodes, line by line. Both components are open."""
    episodes, counts = Counter[str](), Counter[str]()
    for episode in source.episodes():
        episodes.update(episodes=1, frames=len(episode.timestamps))
        counts.update(segmenter.planned(episode))
    yield from (f"{name:<10} {count:,}" for name, count in (episodes + counts).items())
    yield from further(segmenter)


def further(segmenter: Segmenter) -> Iterator[str]:
    """Yield the requests that cannot be counted before the spans exist, and notes of the segmenter."""
    options = segmenter.options
    if getattr(options, "relabel", False):
        yield "note       and a question for each span, which is named once more"
    if getattr(options, "vocabulary", None) == "auto":
        yield "note       and a question for the vocabulary, after some episodes were asked about without one"
    if not segmenter.asks:
        yield from segmenter.notes()
