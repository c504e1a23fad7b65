"""The request that names the spans of an episode, window by window."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any

from pgen.inference.parsing import parse_object
from pgen.records import Episode, Prompt, Reply
from pgen_dialogue.prompts import Template
from pgen_segment.hybrid import prompts
from pgen_segment.hybrid.reply import FORM, checked, motions
from pgen_segment.hybrid.sheet import numbered_sample
from pgen_segment.levels import MOTION, SKILL, Motion
from pgen_segment.motion.spans import MotionSpan
from pgen_segment.vlm.episode import RECENT, EpisodeRequests
from pgen_segment.vlm.naming import Naming

UNCLEAR = "spans that the model calls unclear"


@dataclass(frozen=True, slots=True)
class SpanNaming:
    """Names the pieces of an episode, at most `most` in a request, with a vocabulary for the names of `level`."""

    requests: EpisodeRequests
    level: str
    most: int

    async def motions(self, episode: Episode, pieces: Sequence[MotionSpan]) -> list[Motion]:
        """Return the named motions, in order. Raises SampleError where no reply can be used."""
        named: list[Motion] = []
        first = 1
        for window in batched(pieces, self.most):
            named += await self._window(episode, window, first, named)
            first += len(window)
        return named

    async def _window(
        self, episode: Episode, pieces: Sequence[MotionSpan], first: int, before: Sequence[Motion]
    ) -> list[Motion]:
        numbers = range(first, first + len(pieces))
        of_motions, of_skills = self._naming(MOTION), self._naming(SKILL)
        schema = prompts.schema(numbers, of_motions.vocabulary, of_skills.vocabulary)

        def parse(reply: Reply) -> dict[str, Any]:
            return checked(parse_object(reply, FORM), numbers, episode.task, of_motions.read, of_skills.read)

        prompt = Prompt(self._text(episode, pieces, numbers, before), schema, prompts.wording()["system"].strip())
        reply = await self.requests.requests.ask(numbered_sample(episode, pieces, first), prompt, parse)
        if unclear := sum(span["state"] == prompts.UNCLEAR for span in reply["spans"]):
            self.requests.requests.changes[UNCLEAR] += unclear
        return [
            replace(it, name=of_motions.written(it.name), skill=of_skills.written(it.skill))
            for it in motions(reply["spans"], pieces, first)
        ]

    def _naming(self, level: str) -> Naming:
        """Return how names of a level are spelled: other levels than the chosen one have no vocabulary."""
        naming = self.requests.naming
        return naming if level == self.level else replace(naming, vocabulary=(), own=False)

    def _text(self, episode: Episode, pieces: Sequence[MotionSpan], numbers: range, before: Sequence[Motion]) -> str:
        skills = list(dict.fromkeys(motion.skill for motion in before))
        values = {
            "task": episode.task,
            "spans": prompts.listing(pieces, numbers[0]),
            "first": str(numbers[0]),
            "last": str(numbers[-1]),
            "names": self.requests.naming.instruction(),
        }
        template: Template | None = self.requests.template
        if template:
            own: Any = skills if template.lists else "; ".join(skills)
            return template.fill({**values, "before": own})
        recent = "; ".join(skills[-RECENT:])
        said = prompts.filled("before", skills=recent, first=values["first"]) if skills else ""
        return prompts.filled("spans", **values, before=said)
