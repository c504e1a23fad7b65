"""The episodes of a run: read once, replayed in the same order, read again where they cannot be recorded."""

import tempfile
from itertools import islice

import pytest

from pgen.run.episodes import RecordedEpisodes
from pgen.testing import FakeSource, make_episode


class CountingSource(FakeSource):
    """Counts how often the episodes are read."""

    reads = 0

    def episodes(self):
        type(self).reads += 1
        yield from super().episodes()


@pytest.fixture
def source(monkeypatch):
    monkeypatch.setattr(CountingSource, "reads", 0)
    return CountingSource(make_episode(), make_episode(index=1))


def test_the_source_is_read_once_and_each_iteration_gives_the_same_episodes(source):
    episodes = RecordedEpisodes(source)
    first = list(episodes)
    both = list(zip(episodes, episodes, strict=True))
    assert first == [episode for episode, _ in both] == [repeated for _, repeated in both]
    assert CountingSource.reads == 1
    episodes.close()


def test_an_iteration_that_was_abandoned_records_nothing(source):
    episodes = RecordedEpisodes(source)
    started = islice(episodes, 1)
    next(started)
    assert list(episodes) == list(source.episodes())
    episodes.close()


def test_without_room_for_a_temporary_file_the_source_is_read_again(source, monkeypatch):
    def full(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    episodes = RecordedEpisodes(source)
    assert list(episodes) == list(episodes)
    assert CountingSource.reads == 2
