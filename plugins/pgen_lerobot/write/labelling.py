"""The label of every row of the data, row group by row group, in the order in which the rows are stored.

A row is identified by its episode and its position in it; no object per frame is made. A frame that no dialogue
labels takes its own task_index, or `unlabelled` where that is not None.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pgen.errors import InputError
from pgen.labels import Labelling, label
from pgen.records import Annotation, Episode
from pgen_lerobot.format import runs, summarize, to_array

type Annotated = tuple[Episode, list[Annotation]]


class Labeller:
    """Label the rows of annotated episodes, and count the labels.

    `index` returns the row of the task table for an annotation whose utterance is spoken, or over; `labelling` says
    which exchange labels a frame; `stats` names the statistics to compute.
    """

    def __init__(
        self,
        annotated: Iterable[Annotated],
        index: Callable[[Annotation, bool], int],
        unlabelled: int | None,
        labelling: Labelling,
        stats: Iterable[str] = (),
    ) -> None:
        self._episodes: Iterator[Annotated] = iter(annotated)
        self._next = next(self._episodes, None)
        self._index = index
        self._unlabelled = unlabelled
        self._labelling = labelling
        self._stat_names = tuple(stats)
        self._episode: int | None = None
        self._length: int | None = None
        self._position = 0
        self._spans: list[tuple[int, int, int]] = []
        self._counts: Counter[int] = Counter()
        self.labelled = 0
        """The number of frames with a dialogue."""
        self.counts: Counter[int] = Counter()
        """The number of frames with each label."""
        self.stats: dict[int, dict[str, float]] = {}
        """The statistics of the labels by episode."""

    def column(self, table: pa.Table) -> "pa.Array[Any]":
        """Return the labels of the next rows, which have `episode_index` and `task_index`."""
        if self._unlabelled is None:
            values = to_array("q", table.column("task_index").cast(pa.int64()))
        else:
            values = array("q", [self._unlabelled]) * len(table)
        labels = to_arrow(values)
        for start, stop, episode in runs(table.column("episode_index")):
            if episode != self._episode:
                self._begin(episode)
            self._label(values, start, stop - start)
            distinct, numbers = pc.value_counts(labels.slice(start, stop - start)).flatten()
            self._counts.update(dict(zip(distinct.to_pylist(), numbers.to_pylist(), strict=True)))
        return labels

    def finish(self) -> None:
        """End the last episode. Raises InputError where an annotated episode has no rows."""
        self._end()
        if self._next is not None:
            raise InputError(f"episode {self._next[0].index} is annotated, but the data holds no rows of it.")

    def _begin(self, episode: int) -> None:
        self._end()
        self._episode, self._length, self._position = episode, None, 0
        self._spans = []
        if self._next is not None and self._next[0].index == episode:
            self._length = len(self._next[0].timestamps)
            for stretch in label(*self._next, self._labelling):
                if stretch.annotation is not None and stretch.stop > stretch.start:
                    index = self._index(stretch.annotation, stretch.spoken)
                    self._spans.append((stretch.start, stretch.stop, index))
            self._next = next(self._episodes, None)

    def _end(self) -> None:
        if self._episode is None:
            return
        if self._length not in (None, self._position):
            raise InputError(
                f"episode {self._episode} has {self._position} rows, but was annotated with {self._length}: "
                "the data changed in between. Start again with --fresh."
            )
        if self._counts:
            self.stats[self._episode] = summarize(self._counts, self._stat_names)
        self.counts.update(self._counts)
        self._counts = Counter()
        self._episode = None

    def _label(self, values: "array[int]", start: int, length: int) -> None:
        """Set the labels of the episode's next `length` rows, which begin at `start` in `values`."""
        first, last = self._position, self._position + length
        offset = start - first
        for begin, end, index in self._spans:
            begin, end = max(begin, first), min(end, last)
            if begin < end:
                values[begin + offset : end + offset] = array("q", [index]) * (end - begin)
                self.labelled += end - begin
        self._position = last


def to_arrow(values: "array[int]") -> "pa.Array[Any]":
    """Return an Arrow array that shares the memory of `values`."""
    return pa.Array.from_buffers(pa.int64(), len(values), [None, pa.py_buffer(values)])
