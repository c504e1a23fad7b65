"""The frames at which the robot changes in single episodes, as the segmenter `gripper` computes them: for an editor."""

from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property, lru_cache
from threading import Lock

from pgen.errors import PgenError, SampleError
from pgen.records import Episode
from pgen_lerobot.read import LeRobotSource
from pgen_segment import reading
from pgen_segment.motion.segmenter import Gripper

KEPT = 64
"""The most episodes whose frames stay in memory."""
_ROUNDING = 1e-6


class ChangingFrames:
    """The frames of a dataset at which a gripper opens or closes, or an arm turns.

    The dataset is surveyed for the first episode. There are none where it has no column of a robot's state or action.
    Any thread may ask.
    """

    def __init__(self, source: LeRobotSource, episode_of: Callable[[int], Episode]) -> None:
        self._source, self._episode_of = source, episode_of
        self._lock = Lock()
        self._kept = lru_cache(KEPT)(self._read)

    def of(self, index: int) -> list[int]:
        """Return those of an episode, without its two ends."""
        with self._lock:
            return self._kept(index)

    def _read(self, index: int) -> list[int]:
        try:
            return self._of(index)
        except (PgenError, SampleError):
            return []

    @cached_property
    def _gripper(self) -> Gripper:
        gripper = Gripper()
        gripper.open(self._source)
        return gripper

    def _of(self, index: int) -> list[int]:
        episode = self._episode_of(index)
        recording = reading.recording(self._source, episode, self._gripper.columns)
        times = episode.timestamps
        return [bisect_left(times, time - _ROUNDING) for time in self._gripper.change_points(recording)]
