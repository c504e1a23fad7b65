"""The segmenter `phases`: the dataset's own skills, and the phases that a model groups them into."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import batched
from typing import Any

from pgen.components import EpisodeSpans, Generator, ModelSegmenter, Options, Patches, Recording, Source
from pgen_segment.levels import PHASE, SKILL
from pgen_segment.phases import prompts
from pgen_segment.phases.rollout import MOST, PhaseRollouts, is_ungrouped
from pgen_segment.rollout_counts import RolloutCounts
from pgen_segment.vlm.rollout import as_spans

TEXT, LINE, REPLY = 260, 12, 8
"""Tokens of a prompt without the list of skills, of a line of this list, and of a skill in a reply, about."""


class Phases(ModelSegmenter[Options]):
    """Keeps the dataset's skills, and asks a model which of them are a phase where their labels do not say it."""

    name = "phases"
    reads_skills = True
    keeps_spans = True

    def open(self, source: Source) -> None:
        self._source, self._counts = source, RolloutCounts()

    def planned(self, recording: Recording, patches: Patches | None = None) -> Mapping[str, int]:
        """Count a request of text for each window of skills."""
        skills = recording.episode.skills
        if not is_ungrouped(recording.episode):
            return {}
        requests = len(list(batched(skills, MOST)))
        counts = {"requests": requests}
        if patches:
            counts |= {"tokens_in": requests * TEXT + len(skills) * LINE, "tokens_out": len(skills) * REPLY}
        return counts

    def expected(self, recording: Recording) -> Any:
        return as_spans(recording.episode.skills)

    def work(self, generator: Generator, seed: int) -> PhaseRollouts:
        return PhaseRollouts(self._source, generator, seed)

    def rounds(self, recordings: Iterable[Recording]) -> Iterator[Iterator[list[Any]]]:
        yield ([recording.episode] for recording in recordings)

    def receive(self, result: Any) -> None:
        if isinstance(result, EpisodeSpans):
            self._counts.add(result)

    def notes(self) -> Iterator[str]:
        yield from self._counts.notes()

    def provenance(self) -> dict[str, Any]:
        wording = {"version": prompts.wording()["version"], "hash": self.fingerprint()}
        return {"prompts": wording, "levels": [SKILL, PHASE], **self._counts.provenance()}

    def fingerprint(self) -> str:
        return prompts.fingerprint()
