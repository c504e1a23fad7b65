"""The requests that lerobot-annotate sends for a dataset, with the replies of a model that always answers in full."""

import json
import shutil
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_SENTENCE = "I picked up the red can and put it into the green bin."
_REPLIES: dict[str, Any] = {
    "rephrasings": [f"Please sort the groceries into their bins, way {n}." for n in range(10)],
    "description": " ".join(f"{n}.0-{n + 2}.0s: the gripper closes on the red can and lifts it." for n in range(10)),
    "subtasks": [{"text": "put the red can into its bin", "start": 4.0 * n, "end": 4.0 * n + 4} for n in range(8)],
    "memory": _SENTENCE,
    "interjection": "Now the red can, please.",
    "speech": "On it.",
    "text": "Got it.",
    "question": "How many objects are on the table?",
    "answer": {"label": "object", "count": 3},
}
"""What a model replies to the prompts that name these keys."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: its text, the sizes of its images, and its reply."""

    text: str
    images: tuple[tuple[int, int], ...]
    reply: str
    dialogues: int


class Counter:
    """A client of lerobot-annotate that keeps the requests."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def generate_json(self, batch: Sequence[Any], **_: Any) -> list[Any]:
        return [self._reply(messages) for messages in batch]

    def _reply(self, messages: Sequence[Any]) -> dict[str, Any]:
        blocks = [block for message in messages for block in message["content"]]
        text = "\n".join(block["text"] for block in blocks if block["type"] == "text")
        keys = [key for key in _REPLIES if f'"{key}"' in text]
        reply = {key: _REPLIES[key] for key in keys if key != "text" or keys == ["text"]}  # a span has a text, too
        images = tuple(block["image"].size for block in blocks if block["type"] == "image")
        self.calls.append(Call(text, images, json.dumps(reply), _dialogues(reply)))
        return reply


def _dialogues(reply: dict[str, Any]) -> int:
    """Return how many user lines a reply has."""
    return len(reply.get("rephrasings", ())) + ("interjection" in reply)


def requests(root: Path, *, vqa: bool) -> list[Call]:
    """Return the requests of a run with the defaults; `vqa` is whether it asks questions about images."""
    from lerobot.annotations.steerable_pipeline.config import AnnotationPipelineConfig
    from lerobot.annotations.steerable_pipeline.executor import Executor
    from lerobot.annotations.steerable_pipeline.frames import make_frame_provider
    from lerobot.annotations.steerable_pipeline.modules.general_vqa import GeneralVqaModule
    from lerobot.annotations.steerable_pipeline.modules.interjections_and_speech import InterjectionsAndSpeechModule
    from lerobot.annotations.steerable_pipeline.modules.plan_subtasks_memory import PlanSubtasksMemoryModule
    from lerobot.annotations.steerable_pipeline.validator import StagingValidator
    from lerobot.annotations.steerable_pipeline.writer import LanguageColumnsWriter

    client: Any = Counter()
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        copy = Path(shutil.copytree(root, Path(folder, "copy")))  # it writes into its input
        config = AnnotationPipelineConfig(root=copy, video_backend="pyav", skip_validation=True)
        config.vqa.enabled, config.executor.episode_parallelism = vqa, 1
        provider = make_frame_provider(copy, camera_key=None, video_backend="pyav")
        plan = PlanSubtasksMemoryModule(vlm=client, config=config.plan, frame_provider=provider)
        speech = InterjectionsAndSpeechModule(client, config.interjections, config.seed, provider)
        questions = GeneralVqaModule(client, config.vqa, config.seed, provider)
        Executor(config, plan, speech, questions, LanguageColumnsWriter(), StagingValidator()).run(copy)
    return client.calls
