"""The request that names the spans of an episode, window by window."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import batched
from typing import Any

from pgen.errors import SampleError
from pgen.inference.parsing import parse_object
from pgen.records import Episode, Prompt, Reply
from pgen_dialogue.prompts import Template
from pgen_segment.hybrid import prompts
from pgen_segment.hybrid.reply import FORM, checked, motions
from pgen_segment.hybrid.sheet import numbered_sample
from pgen_segment.levels import MOTION, SKILL, Motion, agreed
from pgen_segment.motion.spans import MotionSpan
from pgen_segment.vlm.episode import RECENT, EpisodeRequests
from pgen_segment.vlm.naming import Naming

REVIEWED = 4
"""Spans of an episode that are asked about once more at most."""
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
        return await self._reviewed(episode, pieces, named)

    async def _reviewed(self, episode: Episode, pieces: Sequence[MotionSpan], named: list[Motion]) -> list[Motion]:
        """Ask once more about single spans whose skill is not that of their cycle; keep what then agrees with it."""
        expected = agreed(named)
        doubtful = [place for place, motion in enumerate(named) if motion.skill != expected[place].skill]
        for place in doubtful[:REVIEWED]:
            own = [(n, it) for n, it in enumerate(pieces, 1) if named[place].start <= it.start < named[place].end]
            if len(own) > 1:
                continue
            with suppress(SampleError):  # the first reply could be used
                (again,) = await self._window(episode, [own[0][1]], own[0][0], expected[:place])
                if again.skill == expected[place].skill:
                    named[place] = again
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
        # A vocabulary is said where the names of its level are requested.
        of_motions = self._naming(MOTION)
        levels = {
            "skill_names": self._naming(SKILL).instruction(),
            "motion_names": of_motions.instruction() if of_motions.vocabulary else "",
        }
        template: Template | None = self.requests.template
        if template:
            own: Any = skills if template.lists else "; ".join(skills)
            return template.fill({**values, "before": own})
        recent = "; ".join(skills[-RECENT:])
        said = prompts.filled("before", skills=recent, first=values["first"]) if skills else ""
        return prompts.filled("spans", **values, **levels, before=said)
