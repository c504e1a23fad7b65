"""Requests whose responses are in the journal: one that it has is not sent again."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from pgen.components import KeyedResult
from pgen.inference.rollout import RolloutContext
from pgen.media import SampleImages
from pgen.records import Prompt, Reply, Request, Sample, Usage
from pgen.seeds import derive, sample_key

ATTEMPTS = 2
"""A request, and once more with what was wrong with the reply."""

UNREADABLE = "sheets of a camera that cannot be read: left out"


@dataclass(slots=True)
class JournaledRequests:
    """The requests of one rollout. `recalled` counts the responses that the journal had."""

    context: RolloutContext
    seed: int
    changes: Counter[str]
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
            if missing := len(sample.moment.cameras) - len(images.images) - len(images.clips):
                self.changes[UNREADABLE] += missing
            self._shown = sample, images
        return self._shown[1]


def question_key(sample: Sample, prompt: Prompt) -> str:
    """Return 32 hex digits that name a request by all that it says and shows."""
    content = [sample_key(sample), prompt.system, prompt.text, prompt.schema]
    text = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()
