"""The segmenter `gripper`: spans from the motion of the arms and their grippers, without a model.

An episode is cut where the heading of an arm turns or a gripper changes, and each piece is named from the task and the
gripper's action. The same data give the same spans.
"""

from collections.abc import Iterator
from typing import Any

from pgen.components import Recording, Segmenter, Source
from pgen.errors import InputError
from pgen_segment.motion.signal import MotionOptions, motion_signal


class GripperOptions(MotionOptions):
    pass


class Gripper(Segmenter[GripperOptions]):
    """Change points of the arm's heading and its gripper, without a model: approach, grasp, move, release, retract."""

    name = "gripper"

    def open(self, source: Source) -> None:
        signal = motion_signal(source, self.options)
        if isinstance(signal, str):
            raise InputError(signal)
        self.signal = signal
        self.columns = signal.columns

    def notes(self) -> Iterator[str]:
        return self.signal.notes()

    def provenance(self) -> dict[str, Any]:
        return {"gripper": [str(dimension) for dimension in self.signal.robot.grippers]}

    def segment(self, recording: Recording) -> list[dict[str, Any]]:
        """Return spans named by phase and task, with a gap where nothing moves for long."""
        spans, task = self.signal.spans(recording), recording.episode.task
        paused = all(span.still for span in spans)
        return [
            {"name": f"{span.phase}: {task}", "start": span.start, "end": span.end, "failed": span.failed}
            for span in spans
            if not span.still or paused
        ]

    def change_points(self, recording: Recording) -> list[float]:
        """Return the seconds at which the episode changes, without its two ends."""
        return self.signal.change_points(recording)
