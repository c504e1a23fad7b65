"""The segmenter `hybrid`: boundaries from the motion, as `gripper` finds them, and names from a model."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import batched
from typing import Any, ClassVar, Literal

from pydantic import Field

from pgen.components import Generator, Options, Patches, Recording, Source
from pgen.errors import ConfigError, SampleError
from pgen.records import Episode
from pgen_segment import reading
from pgen_segment.hybrid import prompts
from pgen_segment.hybrid.rollout import HybridRollouts, NumberedItem, NumberedProposal, SheetLook
from pgen_segment.hybrid.sheet import FRAME_PIXELS
from pgen_segment.levels import PHASE, Motion, levels
from pgen_segment.motion.signal import MotionOptions, usable_signal
from pgen_segment.motion.spans import APPROACH, GRASP, MOVE, RELEASE, RETRACT, MotionSpan
from pgen_segment.vlm.rollout import ProposalItem, as_spans
from pgen_segment.vlm.segmenter import SPAN, Vlm, VlmOptions

WITHOUT_MOTION = "episodes without usable motion: segmented as by vlm"
LONGEST = 10.0
"""Seconds from which an episode of one piece has no usable motion: no skill lasts longer, the longest take seconds."""


TEXT, LINE = 260, 19
"""Tokens of a prompt without the list of spans, and of a line of this list, about."""
EXPECTED = {
    APPROACH: "pick up the object",
    GRASP: "pick up the object",
    MOVE: "put it down",
    RELEASE: "put it down",
    RETRACT: "move back",
}
"""Names of skills for estimates, by the phase of the gripper."""


class HybridOptions(VlmOptions, MotionOptions):
    level: Literal["motion", "skill", "phase"] = "skill"
    """The level of detail: motions ("lower the gripper to the cup"), skills ("pick up the cup") or phases of these."""
    numbers: int = Field(24, ge=1, le=60)
    """Numbered spans in a request at most; a longer episode takes several."""
    views: int = Field(2, ge=1)
    """Cameras shown at most: those in which most changes."""
    sheet_pixels: int = Field(716800, ge=1024)
    """Pixels of the contact sheets of a request together at most."""


class Hybrid(Vlm):
    """Cuts where the motion changes, as `gripper` does, and asks a model what each numbered span shows."""

    name = "hybrid"
    Options: ClassVar[type[Options]] = HybridOptions
    options: HybridOptions
    placeholders = prompts.PLACEHOLDERS
    needed = prompts.NEEDED

    def open(self, source: Source) -> None:
        if self.options.vocabulary and self.options.level == PHASE:
            raise ConfigError("--level phase has no --vocabulary: a phase is named after its skills; leave one out.")
        super().open(source)
        self._recorded = reading.lerobot(source)
        self._signal = usable_signal(source, self.options)
        if not isinstance(self._signal, str):
            self.columns = self._signal.columns

    def planned(self, recording: Recording, patches: Patches | None = None) -> Mapping[str, int]:
        """Count a request for each window of spans, each with a sheet of every camera that is shown."""
        pieces = self._pieces(recording)
        if not pieces:
            return super().planned(recording, patches)
        options, windows = self.options, list(batched(pieces, self.options.numbers))
        cameras = recording.episode.cameras[: options.views]
        counts = {"windows": len(windows), "requests": len(windows), "images": len(windows) * len(cameras)}
        if not patches:
            return counts
        frames = [2 * len(window) + 1 for window in windows]
        sheets = [(n, min(options.sheet_pixels, n * FRAME_PIXELS) // len(cameras)) for n in frames]
        images = sum(self._sheet_tokens(camera, n, patches, pixels) for camera in cameras for n, pixels in sheets)
        texts = len(windows) * TEXT + len(pieces) * LINE
        return counts | {"tokens_in": images + texts, "tokens_out": len(pieces) * SPAN}

    def expected(self, recording: Recording) -> Any:
        pieces = self._pieces(recording)
        named = [Motion(it.phase, EXPECTED[it.phase], it.phase, it.start, it.end, it.failed) for it in pieces]
        grasps = any(piece.phase == GRASP for piece in pieces)
        return as_spans(levels(named)[self.options.level]) if grasps else super().expected(recording)

    def work(self, generator: Generator, seed: int) -> HybridRollouts:
        sheets = SheetLook(self.options.sheet_pixels, self.options.views, self.options.numbers)
        return self.rollouts(HybridRollouts, generator, seed, level=self.options.level, sheets=sheets)

    def proposals(self, episodes: Iterable[Episode]) -> Iterator[Any]:
        chosen = {episode.index for episode in episodes}
        for recording in reading.recordings(self._recorded, self.columns):
            if recording.episode.index in chosen:
                pieces = self._pieces(recording)
                yield NumberedProposal(recording.episode, pieces) if pieces else ProposalItem(recording.episode)

    def item(self, recording: Recording) -> Any:
        if pieces := self._pieces(recording):
            return NumberedItem(recording.episode, self._vocabulary, pieces)
        self._counts.changes[WITHOUT_MOTION] += 1
        return super().item(recording)

    def _pieces(self, recording: Recording) -> tuple[MotionSpan, ...]:
        """Return the pieces of an episode; none where its motion is not usable."""
        if isinstance(self._signal, str):
            return ()
        try:
            pieces = tuple(self._signal.spans(recording))
        except SampleError:
            return ()
        whole = len(pieces) == 1 and pieces[0].end - pieces[0].start > LONGEST
        return () if whole or all(piece.still for piece in pieces) else pieces

    def notes(self) -> Iterator[str]:
        signal = self._signal
        yield from [f"motion     not usable: {signal}"] if isinstance(signal, str) else signal.notes()
        yield from super().notes()

    def provenance(self) -> dict[str, Any]:
        signal = self._signal
        found = {} if isinstance(signal, str) else {"gripper": list(map(str, signal.robot.grippers))}
        shown = {"prompts": {"version": prompts.wording()["version"], "hash": self.fingerprint()}, "shown": "sheets"}
        return {**super().provenance(), **shown, **found, "level": self.options.level}

    def fingerprint(self) -> str:
        return prompts.fingerprint(super().fingerprint())
