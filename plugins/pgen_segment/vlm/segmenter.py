"""The segmenter `vlm`: spans from what a vision-language model sees, described first and then segmented."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from pgen.components import USUAL, EpisodeSpans, Generator, ModelSegmenter, Options, Patches, Recording, Source
from pgen.errors import ConfigError, PgenError, SampleError
from pgen.inference.ask import failure
from pgen.media import sheet_size
from pgen.records import Episode, Failure
from pgen_segment.motion.segmenter import Gripper
from pgen_segment.reading import dataset_of
from pgen_segment.rollout_counts import RolloutCounts
from pgen_segment.vlm import prompts
from pgen_segment.vlm.episode import Look
from pgen_segment.vlm.naming import AUTO, mixed, read_vocabulary, spread
from pgen_segment.vlm.rollout import MergeItem, Names, ProposalItem, SegmentationRollouts, SegmentItem
from pgen_segment.vlm.windows import sampled_frames, windows

TEXT, DESCRIPTION, SPAN = 250, 150, 25
"""Tokens of a prompt without the description, of a description, and of a span in a reply, about."""


class VlmOptions(Options):
    frames_per_second: float = Field(2.0, gt=0, le=30)
    """Frames shown of each second."""
    window: int = Field(60, ge=2, le=60)
    """Frames on a sheet or in a clip at most; a longer episode is shown in several windows."""
    overlap: int = Field(8, ge=1, le=30)
    """Frames that two windows share at least, less than `window`."""
    max_pixels: int = Field(2007040, ge=1024)
    """Pixels of a sheet at most, or of a clip's frames together."""
    names: Literal["imperative", "third-person"] = "imperative"
    """How skills are named; a name in the other style is converted."""
    prompt: str | None = None
    """`file:PATH`, the user's own prompt for the spans: text with {start}, {stop}, {names} and others, or Jinja."""
    vocabulary: str | None = None
    """A file with a name a line, to which skills are held; or `auto`, which makes such a list from some episodes."""
    vocabulary_episodes: int = Field(8, ge=1)
    """How many episodes `auto` looks at."""
    relabel: bool = False
    """Name each span once more, from its own frames and the names beside it."""
    snap: bool = False
    """Move edges to where the arm or its gripper changes, within half a second."""


class Vlm(ModelSegmenter[VlmOptions]):
    """A vision-language model describes what timed frames show, then splits it into named skills."""

    name = "vlm"
    views = None
    placeholders: ClassVar[Sequence[str]] = prompts.PLACEHOLDERS
    """The placeholders that a user's own prompt may have."""
    needed: ClassVar[Mapping[str, str]] = prompts.NEEDED
    """Those that it must have, each with what it says."""

    def open(self, source: Source) -> None:
        if self.options.overlap >= self.options.window:
            raise ConfigError(f"segmenter {self.name}: option overlap must be less than window.")
        if not dataset_of(source).cameras:
            raise ConfigError(f"segmenter {self.name}: the dataset has no camera; use --segmenter gripper.")
        self._source = source
        self._template = prompts.own_template(self.options.prompt, self.placeholders, self.needed)
        self._vocabulary = read_vocabulary(self.options.vocabulary)
        self._own_names = bool(self._vocabulary)
        self._proposed: Counter[str] = Counter()
        self._merge_failure: Failure | None = None
        self._counts = RolloutCounts()
        self._gripper = Gripper()
        if self.options.snap:
            self._gripper.open(source)
            self.columns = self._gripper.columns

    def planned(self, recording: Recording, patches: Patches | None = None) -> Mapping[str, int]:
        """Count two requests a window, each with an image or clip of every camera; others depend on the spans."""
        options, episode = self.options, recording.episode
        frames = sampled_frames(episode, options.frames_per_second)
        shown = [len(window) for window in windows(frames, options.window, options.overlap)]
        counts = {"windows": len(shown), "requests": 2 * len(shown), "images": 2 * len(shown) * len(episode.cameras)}
        if not patches:
            return counts
        images = sum(self._sheet_tokens(camera, count, patches) for camera in episode.cameras for count in shown)
        spans = round(recording.episode.timestamps[-1] / USUAL) + len(shown)
        texts = len(shown) * (TEXT + DESCRIPTION) + spans * SPAN
        return counts | {"tokens_in": 2 * images + 2 * texts, "tokens_out": len(shown) * DESCRIPTION + spans * SPAN}

    def _sheet_tokens(self, camera: str, frames: int, patches: Patches, max_pixels: int | None = None) -> int:
        """Return the tokens of a sheet of so many frames of a camera."""
        pixels = max_pixels or self.options.max_pixels
        if size := self._source.image_sizes().get(camera):
            return patches.tokens(*sheet_size(frames, size, pixels))
        return patches.most(pixels)

    def work(self, generator: Generator, seed: int) -> SegmentationRollouts:
        return self.rollouts(SegmentationRollouts, generator, seed)

    def rollouts[R: SegmentationRollouts](self, kind: type[R], generator: Generator, seed: int, **more: Any) -> R:
        """Return rollouts of a kind with these options; `more` are what the kind takes besides."""
        options, look = self.options, self.look(generator)
        return kind(
            self._source,
            generator,
            seed,
            look,
            options.names,
            self._own_names,
            options.relabel,
            self._template,
            **more,
        )

    def look(self, generator: Generator) -> Look:
        """Return how the generator is shown an episode."""
        options, self._clips = self.options, generator.takes_clips
        return Look(options.frames_per_second, options.window, options.overlap, options.max_pixels, self._clips)

    def rounds(self, recordings: Iterable[Recording]) -> Iterator[Iterator[list[Any]]]:
        if self.options.vocabulary == AUTO:
            episodes = spread(self._source.episodes(), self.options.vocabulary_episodes)
            yield ([item] for item in self.proposals(episodes))
            if not self._proposed:
                raise ConfigError(
                    "--vocabulary auto: none of the first episodes could be segmented; give a list in a file."
                )
            yield iter([[MergeItem(episodes[0], self._proposed)]])
            if self._merge_failure:
                raise PgenError(f"--vocabulary auto: no list came of it: {self._merge_failure.reason}")
        yield ([self.item(recording)] for recording in recordings)

    def proposals(self, episodes: Iterable[Episode]) -> Iterator[Any]:
        """Yield the items of episodes whose names are wanted for a vocabulary."""
        yield from map(ProposalItem, episodes)

    def item(self, recording: Recording) -> Any:
        """Return the item of an episode that is to be segmented."""
        return SegmentItem(recording.episode, self._vocabulary, self._points(recording))

    def receive(self, result: Any) -> None:
        if not isinstance(result, EpisodeSpans | Names):
            return
        self._counts.add(result)
        if not isinstance(result, Names):
            return
        if not result.merged:
            self._proposed.update(() if isinstance(result.outcome, Failure) else result.outcome)
        elif isinstance(result.outcome, Failure):
            self._merge_failure = result.outcome
        else:
            self._vocabulary = tuple(result.outcome)

    def _points(self, recording: Recording) -> list[float] | Failure | None:
        if not self.options.snap:
            return None
        try:
            return self._gripper.change_points(recording)
        except SampleError as error:
            return failure(error)

    def notes(self) -> Iterator[str]:
        if self._own_names and mixed(self._vocabulary):
            yield "note       --vocabulary mixes names in several styles: they are used as they are written"
        yield from self._counts.notes()

    def provenance(self) -> dict[str, Any]:
        return {
            "prompts": {"version": prompts.wording()["version"], "hash": self.fingerprint()},
            "shown": "clips" if self._clips else "sheets",
            "vocabulary": list(self._vocabulary),
            **self._counts.provenance(),
        }

    def fingerprint(self) -> str:
        return prompts.fingerprint(self._template.text if self._template else "")

    def identity(self) -> dict[str, Any]:
        """Return the identity without the prompt file's path: its content is in the fingerprint."""
        return {key: value for key, value in super().identity().items() if key != "prompt"}
