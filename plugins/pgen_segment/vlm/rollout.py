"""The questions about one episode, in their order: window by window a description, then its skills."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pgen.components import ImageReader
from pgen.errors import SampleError
from pgen.inference.scheduler import Pictures
from pgen.records import Episode, Prompt, Reply, Sample, Skill
from pgen_dialogue.prompts.user_template import Template
from pgen_segment.vlm import prompts as wording
from pgen_segment.vlm import replies as reading
from pgen_segment.vlm import stitching
from pgen_segment.vlm.asker import Asker, Show
from pgen_segment.vlm.naming import Naming
from pgen_segment.vlm.stitching import Window
from pgen_segment.vlm.windows import bounds, pictures, shown_frames, window_sample, windows

RECENT = 3
"""Skills of the windows before that a window is told of."""
TILES = 16
"""Tiles of a sheet that are read as large as they are shown."""
RELABELLED = 12
"""Frames that show one skill at most."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an episode is looked at: frames a second, frames a window, frames shared, pixels, as clips or sheets."""

    rate: float
    most: int
    overlap: int
    max_pixels: int
    clips: bool = False

    @property
    def pixels_a_frame(self) -> int:
        """How large a frame is read. Of many tiles each is read larger, and scaled down once more with its sheet."""
        return self.max_pixels // (self.most if self.clips else TILES)


@dataclass(slots=True)
class Episodes:
    """Asks about episodes. `own` is the user's question for the spans, where there is one."""

    asker: Asker
    reader: ImageReader
    look: Look
    naming: Naming
    own: Template | None = None
    changes: Counter[str] = field(default_factory=Counter)
    _decoding: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def skills(self, episode: Episode) -> tuple[Skill, ...]:
        """The spans of an episode, as asked. Raises SampleError."""
        whole: Window | None = None
        for frames in windows(shown_frames(episode, self.look.rate), self.look.most, self.look.overlap):
            found = await self._window(episode, frames, whole)
            whole = stitching.stitched(whole, found) if whole else found
        return whole.spans if whole else ()

    async def relabelled(self, episode: Episode, skills: Sequence[Skill]) -> list[Skill]:
        """The same spans, each named once more from its own frames and the names beside it."""
        names = ["none", *(skill.name for skill in skills), "none"]
        new = [
            self._name(episode, skill, names[position], names[position + 2]) for position, skill in enumerate(skills)
        ]
        return [Skill(await name, skill.start, skill.end) for name, skill in zip(new, skills, strict=True)]

    async def merged(self, found: Counter[str], episode: Episode) -> tuple[str, ...]:
        """A closed list of names out of those that were given freely."""
        frames = shown_frames(episode, self.look.rate)[: self.look.most]
        listed = "\n".join(f"- {name} ({count})" for name, count in sorted(found.items()))
        style = wording.names(self.naming.style, ())
        schema = wording.names_schema()
        sample = window_sample(episode, frames)
        question = self._question(wording.filled("vocabulary", found=listed, style=style), schema, sample)
        names = (await self.asker.ask(sample, question, self._show(sample), _reads(schema)))["names"]
        return tuple(dict.fromkeys(self.naming.written(self.naming.read(name)) for name in names))

    async def _window(self, episode: Episode, frames: Sequence[int], former: Window | None) -> Window:
        sample = window_sample(episode, frames)
        start, stop = bounds(episode, frames)
        recent = [skill.name for skill in former.spans[-RECENT:]] if former else []
        told = {
            "task": episode.task,
            "end": f"{bounds(episode, [len(episode.timestamps) - 1])[1]:.1f}",
            "start": f"{start:.1f}",
            "stop": f"{stop:.1f}",
        }
        text = wording.filled("describe", **told, before=wording.before(recent))
        question, show = self._question(text, wording.DESCRIPTION, sample), self._show(sample)
        first = await self.asker.ask(sample, question, show, _reads(wording.DESCRIPTION))
        told |= {"description": first["description"], "names": self.naming.told()}
        schema = wording.spans_schema(start, stop, len(frames), self.naming.known)
        question = self._question(self._cut(told, recent), schema, sample)

        def read(reply: Reply) -> list[dict[str, Any]]:
            spans = reading.spans(reply, episode, self.naming.read)
            if not stitching.window(spans, episode, start, stop, Counter()).spans:
                raise SampleError("schema", f"no span lies between {start:.1f} and {stop:.1f} s")
            return spans

        found = await self.asker.ask(sample, question, show, read)
        named = [{**span, "name": self._written(span.get("name"))} for span in found]
        return stitching.window(named, episode, start, stop, self.changes)

    def _cut(self, told: dict[str, str], recent: list[str]) -> str:
        """The question for the spans."""
        clock = wording.clock(clips=self.look.clips)
        if self.own:
            return self.own.fill({**told, "clock": clock, "before": recent if self.own.lists else "; ".join(recent)})
        return wording.filled("segment", **told, clock=clock, before=wording.before(recent))

    def _written(self, name: Any) -> Any:
        return self.naming.written(name) if isinstance(name, str) else name

    def _question(self, text: str, schema: dict[str, Any], sample: Sample) -> Prompt:
        return wording.prompt(text, schema, sample, clips=self.look.clips)

    async def _name(self, episode: Episode, skill: Skill, earlier: str, later: str) -> str:
        within = [i for i, time in enumerate(episode.timestamps) if skill.start - 1e-3 <= time < skill.end - 1e-3]
        step = max(1, -(-len(within) // RELABELLED))
        sample = window_sample(episode, within[::step] or [0])
        text = wording.filled(
            "relabel",
            task=episode.task,
            start=f"{skill.start:.1f}",
            stop=f"{skill.end:.1f}",
            name=skill.name,
            earlier=earlier,
            later=later,
            names=self.naming.told(),
        )
        schema = wording.name_schema(self.naming.known)
        question = self._question(text, schema, sample)
        answer = await self.asker.ask(sample, question, self._show(sample), _reads(schema))
        return self.naming.written(self.naming.read(answer["name"]))

    def _show(self, sample: Sample) -> Show:
        """The pictures of a sample: read when they are first asked for, and kept for a second question."""
        shown = Pictures()

        async def show() -> Pictures:
            nonlocal shown
            if shown != Pictures():
                return shown
            async with self._decoding:
                shown = await asyncio.to_thread(self._pictures, sample)
            if missing := len(sample.moment.cameras) - len(shown.images) - len(shown.clips):
                self.changes["sheets of a camera that cannot be read: left out"] += missing
            return shown

        return show

    def _pictures(self, sample: Sample) -> Pictures:
        try:
            return pictures(self.reader, sample, self.look.max_pixels, clips=self.look.clips)
        except SampleError:
            raise
        except Exception as error:  # a decoder may raise anything: it costs this episode, not the run
            raise SampleError("decode", f"{type(error).__name__}: {error}") from None


def _reads(schema: dict[str, Any]) -> Any:
    def read(reply: Reply) -> dict[str, Any]:
        return reading.said(reply, schema)

    return read
