"""Choose what a page shows where it cannot show all: the highest ranks first, then evenly."""

from array import array
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from pgen_results.counts import Metrics


def choose(ranks: Sequence[int], limit: int) -> bytearray:
    """Return 1 for each of at most `limit` items that are chosen: those of the highest ranks, evenly within a rank."""
    counts, room = Counter(ranks), limit
    for last in sorted(counts, reverse=True):
        if counts[last] > room:
            break
        room -= counts[last]
    else:
        return bytearray(b"\1") * len(ranks)
    chosen, seen = bytearray(rank > last for rank in ranks), 0
    for position, rank in enumerate(ranks):
        if rank == last:
            # True for `room` of the positions with this rank, at equal distances.
            chosen[position] = (seen + 1) * room // counts[last] > seen * room // counts[last]
            seen += 1
    return chosen


def choose_samples(metrics: Metrics, limit: int) -> list[memoryview]:
    """Return for each episode with samples which of them a page shows.

    Those with a problem come first, then one of each other episode, then an even selection of the rest.
    """
    chosen = memoryview(choose(_ranks(metrics.badness, metrics.sizes), limit))
    ends = accumulate(metrics.sizes)
    return [chosen[end - size : end] for size, end in zip(metrics.sizes, ends, strict=True)]


def _ranks(badness: bytearray, sizes: array[int]) -> array[int]:
    """Return the badness of each sample, in an episode without any problem that of its middle one as the least."""
    ranks, start = array("H", (2 * value for value in badness)), 0
    for size in sizes:
        if not any(badness[start : start + size]):
            ranks[start + size // 2] = 1
        start += size
    return ranks
