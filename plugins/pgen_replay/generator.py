"""The generator and the sampler `replay`: the recorded dialogue of each sample, and the samples that have one.

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
from pgen.records import Episode, Question, Reply, Request
from pgen_replay.recorded import Recorded, RecordedDialogues, describe, locate

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
        if recorded and recorded.failure and recorded.failure.stage == "scene":  # about the dataset, not about this run
            raise SampleError("scene", recorded.failure.reason)
        if problem := _problem(recorded, request):
            raise SampleError("generate", f"{self._recorded.path.name} {problem}")
        properties = request.prompt.schema.get("properties", {})
        texts = recorded.reply if recorded else {}
        reply = {key: text for key, text in texts.items() if key in properties or key not in _TYPES}
        return Reply(json.dumps(reply, ensure_ascii=False))


def _problem(recorded: Recorded | None, request: Request) -> str:
    """Return why what is recorded is no reply to the request, or ""."""
    sample = request.sample
    where = f"{sample.span.episode_id}, frame {sample.moment.frame_index}, {describe(sample.question)}"
    if recorded is None:
        return f"holds no dialogue for {where}; --sampler replay requests only what the file holds."
    if recorded.failure:
        return f"has no dialogue for {where}: it failed there, at {recorded.failure.stage}: {recorded.failure.reason}"
    if recorded.skills not in ((), sample.skills):
        skills, others = ("; ".join(names) for names in (recorded.skills, sample.skills))
        return f"holds a dialogue for {where}, but for the skill {skills!r}, not {others!r}."
    for key in request.prompt.schema.get("required", ("user_prompt", "robot_utterance")):
        if key not in recorded.reply:
            hint = " Use --prompt seed, which asks for no types." if key in _TYPES else ""
            return f"says no {key} for {where}.{hint}"
    return ""


class ReplaySamplerOptions(Options):
    file: Path
    """A former run's syn_annotations.jsonl, the folder that holds it, or a lerobot_annotations.json."""


class ReplaySampler(Sampler[ReplaySamplerOptions]):
    """The moments of a file with dialogues, and of these the dialogues that it has."""

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

    def admits(self, episode: Episode, frame: int, question: Question) -> bool:
        return self._recorded.has(episode, frame, question)

    def remarks(self) -> tuple[str, ...]:
        return self._recorded.remarks()

    @cached_property
    def _recorded(self) -> RecordedDialogues:
        return RecordedDialogues(self.options.file)
