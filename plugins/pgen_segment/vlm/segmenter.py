"""The segmenter `vlm`: spans from what a vision-language model sees, described first and then cut.

Every answer is in the journal as it comes, so a run that was stopped asks only for what is missing.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, wait
from contextlib import ExitStack
from itertools import islice
from typing import Any, Literal

from pydantic import Field

from pgen.components import Generator, Source
from pgen.components.options import Options
from pgen.components.segmenter import Recording, Segmenter
from pgen.errors import ConfigError, PgenError, SampleError
from pgen.records import Episode, Skill
from pgen.run.signals import stopping
from pgen.storage.journal import Journal
from pgen_segment.motion.segmenter import Gripper
from pgen_segment.reading import dataset_of
from pgen_segment.spans.normalize import normalize_spans
from pgen_segment.vlm import prompts as wording
from pgen_segment.vlm import user_template as ownprompt
from pgen_segment.vlm import vocabulary
from pgen_segment.vlm.asker import Asker
from pgen_segment.vlm.loop import Loop
from pgen_segment.vlm.naming import Naming, mixed
from pgen_segment.vlm.rollout import Episodes, Look
from pgen_segment.vlm.snapping import snap
from pgen_segment.vlm.windows import shown_frames, windows

AHEAD = 2
"""Episodes under way beside those whose questions are in flight."""


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
    """How skills are named; a name in the other style is said anew."""
    prompt: str | None = None
    """`file:PATH`, the user's own question for the spans: text with {start}, {stop}, {names} and others, or Jinja."""
    vocabulary: str | None = None
    """A file with a name a line, to which skills are held; or `auto`, which makes such a list from some episodes."""
    vocabulary_episodes: int = Field(8, ge=1)
    """How many episodes `auto` looks at."""
    relabel: bool = False
    """Name each span once more, from its own frames and the names beside it."""
    snap: bool = False
    """Move edges to where the arm or its gripper changes, within half a second."""


class Vlm(Segmenter[VlmOptions]):
    """A vision-language model describes what timed frames show, then cuts it into named skills."""

    name = "vlm"
    asks = True
    views = None

    def open(self, source: Source) -> None:
        if self.options.overlap >= self.options.window:
            raise ConfigError("segmenter vlm: option overlap must be less than window.")
        if not dataset_of(source).cameras:
            raise ConfigError("segmenter vlm: the dataset has no camera; use --segmenter gripper.")
        self._source = source
        self._own = ownprompt.read(self.options.prompt)
        known = vocabulary.read(self.options.vocabulary)
        self._changes: Counter[str] = Counter()
        self._naming = Naming(self.options.names, known, bool(known), self._changes)
        self._gripper = Gripper()
        if self.options.snap:
            self._gripper.open(source)
            self.columns = self._gripper.columns

    def planned(self, episode: Episode) -> Mapping[str, int]:
        """Two questions a window, each with a picture or clip of every camera; others depend on what is found."""
        options = self.options
        count = sum(
            1 for _ in windows(shown_frames(episode, options.frames_per_second), options.window, options.overlap)
        )
        return {"windows": count, "questions": 2 * count, "images": 2 * count * len(episode.cameras)}

    def connect(self, generator: Generator, journal: Journal, seed: int) -> None:
        self._asker = Asker(generator, journal, seed)

    def answers(self, recordings: Iterable[Recording]) -> Iterator[tuple[Episode, Any]]:
        generator, journal = self._asker.generator, self._asker.journal
        with ExitStack() as stack:
            # The loop ends first, and its threads with it: none reads pictures from what is closed.
            reader = stack.enter_context(self._source.reader(self._look.pixels_a_frame))
            loop = stack.enter_context(Loop())
            with stopping(loop.loop, self._asker.stop, loop.cancel_soon):
                loop.run(generator.open())
                stack.callback(lambda: loop.run(generator.close()))
                stack.callback(self._asker.commits.flush)
                stack.callback(loop.cancel)
                loop.submit(self._asker.commits.run())
                journal.claim("model", generator.model)
                asked = Episodes(self._asker, reader, self._look, self._naming, self._own, self._changes)
                if self.options.vocabulary == vocabulary.AUTO:
                    self._naming.known = loop.run(self._proposed(asked))
                yield from self._in_order(loop, asked, iter(recordings))

    def notes(self) -> Iterator[str]:
        if self._naming.own and mixed(self._naming.known):
            yield "note       --vocabulary mixes names in several styles: they are used as they are written"
        yield from (f"note       {count:,} {change}" for change, count in sorted(self._changes.items()))
        usage = self._asker.usage
        yield f"asked      {usage.attempts:,} times, {self._asker.answered:,} answers were there before"
        if usage.tokens_out:
            yield f"tokens     {usage.tokens_in:,} in, {usage.tokens_out:,} out"

    def provenance(self) -> dict[str, Any]:
        usage, generator = self._asker.usage, self._asker.generator
        return {
            "model": generator.model,
            "generator": {**generator.describe(), "found": generator.provenance()},
            "prompts": {"version": wording.wording()["version"], "hash": self.fingerprint()},
            "shown": "clips" if generator.takes_clips else "sheets",
            "vocabulary": list(self._naming.known),
            "changes": dict(sorted(self._changes.items())),
            "tokens": {"in": usage.tokens_in, "out": usage.tokens_out},
            "attempts": usage.attempts,
        }

    def fingerprint(self) -> str:
        return wording.fingerprint(self._own.text if self._own else "")

    def identity(self) -> dict[str, Any]:
        """Without the prompt file's place: what it says is in the fingerprint."""
        return {key: value for key, value in super().identity().items() if key != "prompt"}

    @property
    def _look(self) -> Look:
        options, clips = self.options, self._asker.generator.takes_clips
        return Look(options.frames_per_second, options.window, options.overlap, options.max_pixels, clips)

    def _in_order(
        self, loop: Loop, asked: Episodes, coming: Iterator[Recording]
    ) -> Iterator[tuple[Episode, list[dict[str, Any]] | SampleError]]:
        under_way: deque[tuple[Episode, Future[list[dict[str, Any]]]]] = deque()
        room = self._asker.generator.concurrency + AHEAD
        while True:
            for recording in islice(coming, room - len(under_way)):
                under_way.append((recording.episode, loop.submit(self._spans(asked, recording))))
            if not under_way:
                return
            episode, found = under_way.popleft()
            try:
                yield episode, found.result()
            except SampleError as error:
                yield episode, error
            except CancelledError:  # by a signal: the others have questions in flight
                wait([other for _, other in under_way])
                raise

    async def _spans(self, asked: Episodes, recording: Recording) -> list[dict[str, Any]]:
        episode = recording.episode
        skills: Sequence[Skill] = await asked.skills(episode)
        if self.options.snap or self.options.relabel:
            # What is changed here is counted when the job makes the result whole.
            skills = normalize_spans(spans_of(skills), episode, Counter())
        if self.options.snap:
            skills = snap(skills, self._gripper.change_points(recording))
        if self.options.relabel:
            skills = await asked.relabelled(episode, skills)
        return spans_of(skills)

    async def _proposed(self, asked: Episodes) -> tuple[str, ...]:
        """A first pass over some episodes, spread evenly; one that fails is passed over."""
        chosen = vocabulary.spread(self._source.episodes(), self.options.vocabulary_episodes)
        found: Counter[str] = Counter()
        for episode in chosen:
            try:
                found.update(skill.name for skill in await asked.skills(episode))
            except SampleError:
                continue
        if not found:
            raise ConfigError(
                "--vocabulary auto: none of the first episodes could be segmented; give a list in a file."
            )
        try:
            return await asked.merged(found, chosen[0])
        except SampleError as error:
            raise PgenError(f"--vocabulary auto: no list came of it: {error.reason}") from None


def spans_of(skills: Sequence[Skill]) -> list[dict[str, Any]]:
    """Skills in the form of raw spans."""
    return [{"name": skill.name, "start": skill.start, "end": skill.end} for skill in skills]
