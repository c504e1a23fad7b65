"""The generator `replay`: what a former run said, or somebody wrote since, answered sample by sample.

A sample that the file does not hold, or holds for another skill, fails with that as its reason: nothing is
carried over from one moment to another.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pgen.components import Generator, Options, tuning
from pgen.errors import SampleError
from pgen.records import Reply, Request
from pgen_replay.files import Memory, Said, located

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
        """By what the file says, not by where it lies: an edited file gives other answers."""
        try:
            with located(self.options.file).open("rb") as file:
                return {"name": self.name, "file": hashlib.file_digest(file, "sha256").hexdigest()}
        except Exception:  # `open` says what is wrong with it
            return {"name": self.name, "file": None}

    async def open(self) -> None:
        self._memory = Memory(self.options.file)

    async def generate(self, request: Request) -> Reply:
        said = self._memory.said(request.sample)
        if reason := self._lacking(said, request):
            raise SampleError("generate", f"{self._memory.path.name} {reason}")
        wanted = request.prompt.schema.get("properties", {})
        reply = {key: text for key, text in (said.reply if said else {}).items() if key in wanted or key not in _TYPES}
        return Reply(json.dumps(reply, ensure_ascii=False))

    def _lacking(self, said: Said | None, request: Request) -> str:
        sample = request.sample
        variant = f", variant {sample.question.variant}" if sample.question.variant else ""
        when = f"{sample.span.episode_id}, frame {sample.moment.frame_index}{variant}"
        if said is None:
            return f"holds no dialogue for {when}; sample as the former run did, or with fewer samples."
        if said.failed:
            return f"has no dialogue for {when}: it failed there, at {said.failed}"
        if said.skill is not None and said.skill != sample.span.skill:
            return f"holds a dialogue for {when}, but for the skill {said.skill!r}, not {sample.span.skill!r}."
        for key in request.prompt.schema.get("required", ("user_prompt", "robot_utterance")):
            if key not in said.reply:
                told = " Use --prompt seed, which asks for no types." if key in _TYPES else ""
                return f"says no {key} for {when}.{told}"
        return ""
