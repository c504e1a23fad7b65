"""The source's episodes, read once in a run and replayed from a temporary file after that."""

import pickle
import tempfile
from array import array
from collections.abc import Iterator
from contextlib import ExitStack
from os import pread
from typing import BinaryIO

from pgen.components import Source
from pgen.records import Episode


class RecordedEpisodes:
    """Iterate over the source's episodes, in the same order each time.

    A run iterates to plan, to request, to compare the dialogues, to count and to write. The first complete
    iteration records the episodes in an unlinked temporary file: about eight bytes a frame on disk, and eight an
    episode in memory. Where that file cannot be written, each iteration reads the source.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stack = ExitStack()
        self._file: BinaryIO | None = None
        self._ends = array("q")

    def __iter__(self) -> Iterator[Episode]:
        return self._record() if self._file is None else self._replay(self._file)

    def close(self) -> None:
        """Remove the recording."""
        self._stack.close()
        self._file = None

    def _record(self) -> Iterator[Episode]:
        ends = array("q")
        with ExitStack() as stack:
            file = _temporary_file(stack)
            for episode in self._source.episodes():
                if file is not None and not _append(file, episode, ends):
                    file = None
                yield episode
            if file is not None and self._file is None:
                self._file, self._ends, self._stack = file, ends, stack.pop_all()

    def _replay(self, file: BinaryIO) -> Iterator[Episode]:
        start = 0
        for end in self._ends:
            # pread leaves the file's position alone, so that several iterations can be under way at once.
            yield pickle.loads(pread(file.fileno(), end - start, start))  # noqa: S301 (written by this object)
            start = end


def _temporary_file(stack: ExitStack) -> BinaryIO | None:
    try:
        return stack.enter_context(tempfile.TemporaryFile(prefix="pgen-episodes-"))
    except OSError:
        return None


def _append(file: BinaryIO, episode: Episode, ends: "array[int]") -> bool:
    """Write one episode; return whether that was possible."""
    try:
        pickle.dump(episode, file, pickle.HIGHEST_PROTOCOL)
        file.flush()
        ends.append(file.tell())
    except OSError:
        return False
    return True
