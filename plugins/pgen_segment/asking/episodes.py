"""The questions about one episode, in their order: window by window a description, then its skills."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pgen.components import ImageReader
from pgen.errors import SampleError
from pgen.records import Episode, Image, Reply, Sample, Skill
from pgen_segment.asking import reading, stitching, wording
from pgen_segment.asking.asker import Asker, Show
from pgen_segment.asking.stitching import Window
from pgen_segment.asking.windows import bounds, sheets, shown_frames, window_sample, windows

RECENT = 3
"""Skills of the windows before that a window is told of."""
RELABELLED = 12
"""Frames that show one skill at most."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an episode is looked at: frames a second, frames a window, frames shared, pixels a sheet."""

    rate: float
    most: int
    overlap: int
    max_pixels: int


@dataclass(slots=True)
class Episodes:
    """Asks about episodes. `known` is the closed list of names, if there is one."""

    asker: Asker
    reader: ImageReader
    look: Look
    style: str
    known: tuple[str, ...] = ()
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
        text = wording.filled("vocabulary", found=listed, style=wording.names(self.style, ()))
        schema = wording.names_schema()
        sample = window_sample(episode, frames)
        names = (await self.asker.ask(sample, wording.prompt(text, schema), self._show(sample), _reads(schema)))[
            "names"
        ]
        return tuple(dict.fromkeys(reading.listed(name, ()) for name in names))

    async def _window(self, episode: Episode, frames: Sequence[int], former: Window | None) -> Window:
        sample = window_sample(episode, frames)
        start, stop = bounds(episode, frames)
        recent = [skill.name for skill in former.spans[-RECENT:]] if former else []
        told = {
            "task": episode.task,
            "end": f"{bounds(episode, [len(episode.timestamps) - 1])[1]:.1f}",
            "start": f"{start:.1f}",
            "stop": f"{stop:.1f}",
            "before": wording.before(recent),
        }
        question = wording.prompt(wording.filled("describe", **told), wording.DESCRIPTION)
        show = self._show(sample)
        first = await self.asker.ask(sample, question, show, _reads(wording.DESCRIPTION))
        told |= {"description": first["description"], "names": wording.names(self.style, self.known)}
        schema = wording.spans_schema(start, stop, len(frames), self.known)
        question = wording.prompt(wording.filled("segment", **told), schema)
        found = await self.asker.ask(sample, question, show, lambda reply: reading.spans(reply, episode, self.known))
        return stitching.window(found, episode, start, stop, self.changes)

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
            names=wording.names(self.style, self.known),
        )
        schema = wording.name_schema(self.known)
        answer = await self.asker.ask(sample, wording.prompt(text, schema), self._show(sample), _reads(schema))
        return reading.listed(answer["name"], self.known)

    def _show(self, sample: Sample) -> Show:
        """The pictures of a sample: read when they are first asked for, and kept for a second question."""
        shown: tuple[Image, ...] = ()

        async def show() -> tuple[Image, ...]:
            nonlocal shown
            if shown:
                return shown
            async with self._decoding:
                shown = await asyncio.to_thread(self._sheets, sample)
            if missing := len(sample.cameras) - len(shown):
                self.changes["sheets of a camera that cannot be read: left out"] += missing
            return shown

        return show

    def _sheets(self, sample: Sample) -> tuple[Image, ...]:
        try:
            return sheets(self.reader, sample, self.look.max_pixels)
        except SampleError:
            raise
        except Exception as error:  # a decoder may raise anything: it costs this episode, not the run
            raise SampleError("decode", f"{type(error).__name__}: {error}") from None


def _reads(schema: dict[str, Any]) -> Any:
    def read(reply: Reply) -> dict[str, Any]:
        return reading.said(reply, schema)

    return read
