"""The requests about one episode, in their order: window by window a description, then its skills."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pgen.errors import SampleError
from pgen.inference.parsing import parse_object
from pgen.records import Episode, Prompt, Reply, Sample, Skill
from pgen_dialogue.prompts import Template
from pgen_segment.vlm import prompts, stitching
from pgen_segment.vlm.naming import Naming
from pgen_segment.vlm.replies import parse_spans
from pgen_segment.vlm.requests import JournaledRequests
from pgen_segment.vlm.stitching import Window
from pgen_segment.vlm.windows import bounds, sampled_frames, window_sample, windows

RECENT = 3
"""Skills of the windows before that are named in a window's prompt."""
TILES = 16
"""Tiles of a sheet that are read as large as they are shown."""
RELABEL_FRAMES = 12
"""Frames at most that show one skill."""


@dataclass(frozen=True, slots=True)
class Look:
    """How an episode is shown: frames per second, per window and shared by two, pixels, and as clips or sheets."""

    rate: float
    frames: int
    overlap: int
    max_pixels: int
    clips: bool = False

    @property
    def pixels_per_frame(self) -> int:
        """How large a frame is read. A frame of many tiles is read larger, and scaled down again with its sheet."""
        return self.max_pixels // (self.frames if self.clips else TILES)


@dataclass(slots=True)
class EpisodeRequests:
    """Asks about an episode. `template` is the user's prompt for the spans, where there is one."""

    requests: JournaledRequests
    look: Look
    naming: Naming
    template: Template | None = None

    async def skills(self, episode: Episode) -> tuple[Skill, ...]:
        """Return the spans of an episode, in the order of time. Raises SampleError."""
        whole: Window | None = None
        for frames in windows(sampled_frames(episode, self.look.rate), self.look.frames, self.look.overlap):
            window = await self._window(episode, frames, whole)
            whole = stitching.stitched(whole, window) if whole else window
        return whole.spans if whole else ()

    async def relabel(self, episode: Episode, skills: Sequence[Skill]) -> list[Skill]:
        """Return the same spans, each named again from its own frames and the names beside it."""
        names = ["none", *(skill.name for skill in skills), "none"]
        return [
            Skill(await self._name(episode, skill, names[place], names[place + 2]), skill.start, skill.end)
            for place, skill in enumerate(skills)
        ]

    async def merge(self, counts: Counter[str], episode: Episode) -> tuple[str, ...]:
        """Return a vocabulary made of names that were given freely."""
        sample = window_sample(episode, sampled_frames(episode, self.look.rate)[: self.look.frames])
        listed = "\n".join(f"- {name} ({count})" for name, count in sorted(counts.items()))
        text = prompts.filled("vocabulary", found=listed, style=prompts.names(self.naming.style, ()))
        names = (await self._ask(sample, text, prompts.names_schema()))["names"]
        return tuple(dict.fromkeys(self.naming.written(self.naming.read(name)) for name in names))

    async def _window(self, episode: Episode, frames: Sequence[int], former: Window | None) -> Window:
        sample = window_sample(episode, frames)
        start, stop = bounds(episode, frames)
        recent = [skill.name for skill in former.spans[-RECENT:]] if former else []
        values = {
            "task": episode.task,
            "end": f"{bounds(episode, [len(episode.timestamps) - 1])[1]:.1f}",
            "start": f"{start:.1f}",
            "stop": f"{stop:.1f}",
        }
        text = prompts.filled("describe", **values, before=prompts.before(recent))
        described = await self._ask(sample, text, prompts.DESCRIPTION)
        values |= {"description": described["description"], "names": self.naming.instruction()}
        schema = prompts.spans_schema(start, stop, len(frames), self.naming.vocabulary)

        def parse(reply: Reply) -> list[dict[str, Any]]:
            spans = parse_spans(reply, episode, self.naming.read)
            if not stitching.window(spans, episode, start, stop, Counter()).spans:
                raise SampleError("schema", f"no span lies between {start:.1f} and {stop:.1f} s")
            return spans

        spans = await self.requests.ask(sample, self._prompt(self._spans_text(values, recent), schema, sample), parse)
        named = [{**span, "name": self._written(span.get("name"))} for span in spans]
        return stitching.window(named, episode, start, stop, self.requests.changes)

    def _spans_text(self, values: dict[str, str], recent: list[str]) -> str:
        """Return the prompt for the spans."""
        clock = prompts.clock(clips=self.look.clips)
        if self.template:
            before = recent if self.template.lists else "; ".join(recent)
            return self.template.fill({**values, "clock": clock, "before": before})
        return prompts.filled("segment", **values, clock=clock, before=prompts.before(recent))

    def _written(self, name: Any) -> Any:
        return self.naming.written(name) if isinstance(name, str) else name

    async def _name(self, episode: Episode, skill: Skill, earlier: str, later: str) -> str:
        within = [i for i, time in enumerate(episode.timestamps) if skill.start - 1e-3 <= time < skill.end - 1e-3]
        step = max(1, -(-len(within) // RELABEL_FRAMES))
        text = prompts.filled(
            "relabel",
            task=episode.task,
            start=f"{skill.start:.1f}",
            stop=f"{skill.end:.1f}",
            name=skill.name,
            earlier=earlier,
            later=later,
            names=self.naming.instruction(),
        )
        sample = window_sample(episode, within[::step] or [0])
        named = await self._ask(sample, text, prompts.name_schema(self.naming.vocabulary))
        return self.naming.written(self.naming.read(named["name"]))

    async def _ask(self, sample: Sample, text: str, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the object of the reply."""
        prompt = self._prompt(text, schema, sample)
        fields: dict[str, Any] = await self.requests.ask(sample, prompt, lambda reply: parse_object(reply, schema))
        return fields

    def _prompt(self, text: str, schema: dict[str, Any], sample: Sample) -> Prompt:
        return prompts.prompt(text, schema, sample, clips=self.look.clips)
