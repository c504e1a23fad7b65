"""The generator and the sampler `replay`: the recorded dialogue of each sample, and the moments that have one.

A sample that the file lacks, or has for another skill, fails with that reason: no dialogue is used for another moment.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from pgen.components import Generator, Options, Sampler, tuning
from pgen.errors import InputError, SampleError
from pgen.labels import frame_ranges
from pgen.records import Episode, Reply, Request
from pgen_replay.recorded import Recorded, RecordedDialogues, locate

_TYPES = ("scenario_type", "response_type")


class ReplayOptions(Options):
    file: Path
    """A former run's syn_annotations.jsonl, the folder that holds it, or a lerobot_annotations.json."""
    concurrency: int = tuning(64, ge=1)
    """How many requests are taken at once."""


class ReplayGenerator(Generator[ReplayOptions]):
    """The dialogues of a former run, or of a file edited since; a sample that it lacks fails."""

    name = "replay"

    @property
    def concurrency(self) -> int:
        return self.options.concurrency

    def identity(self) -> dict[str, Any]:
        """Identify the generator by the file's content, not its path: an edited file gives other replies."""
        try:
            with locate(self.options.file).open("rb") as file:
                return {"name": self.name, "file": hashlib.file_digest(file, "sha256").hexdigest()}
        except Exception:  # `open` reports it
            return {"name": self.name, "file": None}

    async def open(self) -> None:
        self._recorded = RecordedDialogues(self.options.file)

    async def generate(self, request: Request) -> Reply:
        recorded = self._recorded.find(request.sample)
        if problem := _problem(recorded, request):
            raise SampleError("generate", f"{self._recorded.path.name} {problem}")
        properties = request.prompt.schema.get("properties", {})
        texts = recorded.reply if recorded else {}
        reply = {key: text for key, text in texts.items() if key in properties or key not in _TYPES}
        return Reply(json.dumps(reply, ensure_ascii=False))


def _problem(recorded: Recorded | None, request: Request) -> str:
    """Return why what is recorded is no reply to the request, or ""."""
    span, variant = request.sample.span, request.sample.question.variant
    moment = f"{span.episode_id}, frame {request.sample.moment.frame_index}"
    moment += f", variant {variant}" if variant else ""
    if recorded is None:
        return f"holds no dialogue for {moment}; sample as the former run did, or with fewer samples."
    if recorded.failed:
        return f"has no dialogue for {moment}: it failed there, at {recorded.failed}"
    if recorded.skill not in (None, span.skill):
        return f"holds a dialogue for {moment}, but for the skill {recorded.skill!r}, not {span.skill!r}."
    for key in request.prompt.schema.get("required", ("user_prompt", "robot_utterance")):
        if key not in recorded.reply:
            hint = " Use --prompt seed, which asks for no types." if key in _TYPES else ""
            return f"says no {key} for {moment}.{hint}"
    return ""


class ReplaySamplerOptions(Options):
    file: Path
    """A former run's syn_annotations.jsonl, the folder that holds it, or a lerobot_annotations.json."""


class ReplaySampler(Sampler[ReplaySamplerOptions]):
    """The moments of a file with dialogues, as the generator `replay` answers them."""

    name = "replay"

    def frames(self, episode: Episode) -> Iterator[int]:
        spans = frame_ranges(episode)
        for frame in self._recorded.frames(episode):
            if not any(frame in span for span in spans):
                raise InputError(
                    f"{self._recorded.path}: a dialogue of {episode.id} is at frame {frame}, where no skill goes on; "
                    "move it into a skill, or take it out."
                )
            yield frame

    def remarks(self) -> tuple[str, ...]:
        return self._recorded.remarks()

    @cached_property
    def _recorded(self) -> RecordedDialogues:
        return RecordedDialogues(self.options.file)
