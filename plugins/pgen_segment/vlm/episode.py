"""The requests about one episode, in their order: window by window a description, then its skills.

Responses are in the journal: a request that it has is not sent again.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from pgen.components import KeyedResult
from pgen.errors import SampleError
from pgen.inference.json_objects import objects
from pgen.inference.parsing import parse_object
from pgen.inference.rollout import RolloutContext
from pgen.media import SampleImages
from pgen.records import Episode, Prompt, Reply, Request, Sample, Skill, Usage
from pgen.seeds import derive, sample_key
from pgen_dialogue.prompts import Template
from pgen_segment.normalize import parse_spans
from pgen_segment.vlm import prompts
from pgen_segment.vlm.naming import Naming
from pgen_segment.vlm.windows import Window, bounds, sampled_frames, stitched, window_sample, window_spans, windows


def spans_of_reply(reply: Reply, episode: Episode, parse_name: Callable[[Any], str]) -> list[dict[str, Any]]:
    """Return the spans of a reply that can be read, in any of their forms. Raises SampleError."""
    items = objects(reply)
    lists = [item["skills"] for item in items if isinstance(item.get("skills"), list)]
    if len({json.dumps(spans, sort_keys=True) for spans in lists}) > 1:
        raise SampleError("parse", f"the reply holds {len(lists)} lists of skills where one is wanted.")
    spans: list[Any] = lists[0] if lists else [item for item in items if "name" in item]
    fields = [
        {key: span[key] for key in ("name", "start", "end") if key in span} for span in spans if isinstance(span, dict)
    ]
    usable = [
        {**span, "name": parse_name(span["name"])} if isinstance(span.get("name"), str) else span for span in fields
    ]
    parse_spans(usable, episode, Counter())
    return usable


ATTEMPTS = 2
"""A request, and once more with what was wrong with the reply."""

UNREADABLE = "sheets of a camera that cannot be read, or shows nothing: left out"


@dataclass(slots=True)
class JournaledRequests:
    """The requests of one rollout, which show at most `cameras` cameras, where there is a limit.

    `recalled` counts the responses that the journal had.
    """

    context: RolloutContext
    seed: int
    changes: Counter[str]
    cameras: int | None = None
    usage: Usage = field(default_factory=lambda: Usage(attempts=0))
    recalled: int = 0
    _shown: tuple[Sample, SampleImages] | None = None

    async def ask(self, sample: Sample, prompt: Prompt, parse: Callable[[Reply], Any]) -> Any:
        """Return the JSON value that `parse` reads. Raises SampleError where no reply can be used."""
        key = question_key(sample, prompt)
        recorded = await self.context.recall(key)
        if recorded is not None:
            self.recalled += 1
            return recorded
        images = await self._images(sample)
        request = Request((sample,), prompt, images.images, derive(self.seed, key), clips=images.clips)
        answer = await self.context.ask(request, parse, ATTEMPTS)
        self.usage += answer.usage
        value = answer.value()
        await self.context.record(KeyedResult(key, value, answer.usage))
        return value

    async def _images(self, sample: Sample) -> SampleImages:
        """Return the sample's images, read once where two requests in succession show them."""
        if self._shown is None or self._shown[0] is not sample:
            images = await self.context.images(sample)
            expected = min(len(sample.moment.cameras), self.cameras or len(sample.moment.cameras))
            if missing := expected - len(images.images) - len(images.clips):
                self.changes[UNREADABLE] += missing
            self._shown = sample, images
        return self._shown[1]


def question_key(sample: Sample, prompt: Prompt) -> str:
    """Return 32 hex digits that name a request by all that it says and shows."""
    content = [sample_key(sample), prompt.system, prompt.text, prompt.schema]
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


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
            whole = stitched(whole, window) if whole else window
        return whole.spans if whole else ()

    async def relabel(self, episode: Episode, skills: Sequence[Skill]) -> list[Skill]:
        """Return the same spans, each named again from its own frames and the names beside it."""
        names = ["none", *(skill.name for skill in skills), "none"]
        return [
            replace(skill, name=await self._name(episode, skill, names[place], names[place + 2]))
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
            spans = spans_of_reply(reply, episode, self.naming.read)
            if not window_spans(spans, episode, start, stop, Counter()).spans:
                raise SampleError("schema", f"no span lies between {start:.1f} and {stop:.1f} s")
            return spans

        spans = await self.requests.ask(sample, self._prompt(self._spans_text(values, recent), schema, sample), parse)
        named = [{**span, "name": self._written(span.get("name"))} for span in spans]
        return window_spans(named, episode, start, stop, self.requests.changes)

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
