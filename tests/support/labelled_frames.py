"""The exchange that labels each frame."""

from itertools import chain

from pgen.labels import Exchange, Stretch
from pgen.records import Episode, Failure

FAILURE = Failure("parse", "no JSON")


def by_frame(episode: Episode, stretches: list[Stretch]) -> list[Exchange | None]:
    """Return the exchange that labels each frame; checks that every frame is covered once, in order."""
    assert list(chain.from_iterable(range(s.start, s.stop) for s in stretches)) == list(range(len(episode.timestamps)))
    assert all(stretch.start < stretch.stop for stretch in stretches)
    return [stretch.exchange for stretch in stretches for _ in range(stretch.start, stretch.stop)]
