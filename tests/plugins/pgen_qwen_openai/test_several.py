"""Requests for several dialogues of a moment, over real HTTP: their order, their repair and what they cost."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import hostile_server as hostile
import pytest
from aiohttp import web
from click.testing import CliRunner
from hostile_server import HostileServer
from moment_requests import SKILLS, opening
from rendered_example import write_example

from pgen.cli import cli
from pgen.formats.schemas import Validator
from pgen.inference.pipeline import Pipeline
from pgen.records import Annotation
from pgen.testing import FakeSource, MemoryRecorder, make_episode
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_qwen_openai.generator import QwenOpenAIGenerator

TYPES = {"scenario_type": "specific_object", "response_type": "acknowledgment"}
PROMPTS = (
    "Could you tidy up the pink lego brick?",
    "Leave the rest of the table as it is, please.",
    "That pink lego brick belongs in the transparent box.",
    "Please go over to the pink lego brick.",
    "Head for the pink lego brick now.",
)
UTTERANCES = (
    "Sure, I am on it.",
    "Okay, nothing else gets touched.",
    "Right, into the box it goes.",
    "On my way to the brick.",
    "Moving over there now.",
)


def dialogue(number: int, **fields: str) -> dict[str, Any]:
    texts = {"user_prompt": PROMPTS[number - 1], "robot_utterance": UTTERANCES[number - 1]}
    return {"number": number, **texts, **TYPES, **fields}


def envelope(*dialogues: dict[str, Any], **fields: Any) -> str:
    return json.dumps({"seen": "a brick beside a box", "fits": True, "dialogues": [*dialogues], **fields})


def completion(text: str, cached: int = 0) -> web.Response:
    details = {"cached_tokens": cached, "multimodal_tokens": {"image": 600}} if cached else {"cached_tokens": 0}
    usage = {"prompt_tokens": 2000, "completion_tokens": 300, "prompt_tokens_details": details}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return web.json_response({"choices": [choice], "usage": usage})


class Server(HostileServer):
    """Sends these replies one after the other; `sent` has the bodies of the requests, without probes."""

    def __init__(self, *replies: web.Response | str, ignores: str = "") -> None:
        super().__init__(self._next)
        self._replies = iter(replies)
        self._ignores = ignores
        self.sent: list[dict[str, Any]] = []

    def _next(self, body: dict[str, Any], count: int) -> Callable[..., Any]:
        async def behave(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            self.sent.append(body)
            reply = next(self._replies)
            return completion(reply) if isinstance(reply, str) else reply

        if hostile.is_probe(body):
            return hostile.says(self._ignores) if self._ignores else hostile.says()
        return behave


def annotate(server: HostileServer, attempts: int = 2) -> list[Annotation]:
    """Return the annotations of one request for five dialogues."""
    generator = QwenOpenAIGenerator(base_url=[server.url], max_retries=1, retry_wait=0.001)
    recorder = MemoryRecorder()

    async def run() -> None:
        await generator.open()
        try:
            source = FakeSource(make_episode(*SKILLS))
            pipeline = Pipeline(source, HiRobotPrompt(), generator, 0, attempts, 10**6)
            await pipeline.run(iter([[opening()]]), recorder, asyncio.Event())
        finally:
            await generator.close()

    asyncio.run(run())
    return recorder.results


def texts(annotations: list[Annotation]) -> list[str | None]:
    return [it.dialogue.user_prompt if it.dialogue else it.failure.reason for it in annotations]


def test_one_request_returns_a_dialogue_for_each_sample_in_whatever_order():
    with Server(envelope(*(dialogue(number) for number in (3, 1, 2, 5, 4)))) as server:
        annotations = annotate(server)
    assert texts(annotations) == list(PROMPTS)
    assert [it.sample.question.scope for it in annotations] == ["episode", "standing", "phase", "step", "step"]
    assert len(server.sent) == 1


def test_what_requests_share_comes_first_and_the_wanted_dialogues_last():
    with Server(envelope(*map(dialogue, range(1, 6)))) as server:
        annotate(server)
    system, user = server.sent[0]["messages"]
    assert "constraint_based" in system["content"]
    context, image, text = user["content"]
    assert context["text"].startswith("Task: tidy up")
    assert "2. robot arm picks up pink lego brick" in context["text"]
    assert image["type"] == "image_url"
    assert "Write these 5 dialogues:" in text["text"]


def test_two_of_five_are_requested_again_behind_the_same_beginning():
    first = envelope(*map(dialogue, (1, 3, 4)), dialogue(2, robot_utterance=" "))
    second = envelope(dialogue(2), dialogue(5))
    with Server(completion(first, 512), completion(second, 1984)) as server:
        annotations = annotate(server)
    assert texts(annotations) == list(PROMPTS)
    begun, again = server.sent
    assert again["messages"][:2] == begun["messages"]
    reply, problem = again["messages"][2:]
    assert reply == {"role": "assistant", "content": first}
    assert "number 2: " in problem["content"]
    assert "number 5: " in problem["content"]
    assert "Write only these dialogues again, under their numbers: 2, 5" in problem["content"]
    assert not {"number 1", "number 3", "number 4"} & set(problem["content"].split("; "))
    check = Validator(again["response_format"]["json_schema"]["schema"])
    assert check.first_error(json.loads(second)) is None
    assert check.first_error(json.loads(first)) is not None
    used = [(it.usage.attempts, it.usage.tokens_in, it.usage.tokens_cached) for it in annotations]
    assert used == [(1, 400, 104), (1, 1400, 102 + 992), (0, 400, 102), (0, 400, 102), (0, 1400, 102 + 992)]


def test_a_server_that_ignores_formats_is_told_the_schema_behind_the_images():
    with Server(envelope(*map(dialogue, range(1, 6))), ignores="A picture.") as server:
        assert texts(annotate(server)) == list(PROMPTS)
    (body,) = server.sent
    assert "response_format" not in body
    told = body["messages"][1]["content"][-1]["text"].partition("fit this JSON Schema:\n")[2]
    assert json.loads(told)["properties"]["dialogues"]["minItems"] == 5
    assert "prefixItems" not in told  # which hold decoding, and repeat the rest five times


def test_images_that_contradict_the_labels_fail_all_samples_of_the_moment():
    with Server(envelope(*map(dialogue, range(1, 6)), fits=False, seen="an empty table")) as server:
        annotations = annotate(server)
    assert {it.failure.stage for it in annotations} == {"scene"}
    assert "an empty table" in annotations[0].failure.reason
    assert len(server.sent) == 1


@pytest.mark.parametrize("cached", [1500, 0])
def test_cached_tokens_and_tokens_of_images_are_in_the_report_and_the_manifest(tmp_path, cached):
    def decide(body: dict[str, Any], count: int) -> Callable[..., Any]:
        async def behave(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            numbers = body["response_format"]["json_schema"]["schema"]["properties"]["dialogues"]["minItems"]
            return completion(envelope(*map(dialogue, range(1, numbers + 1))), cached)

        return hostile.says() if hostile.is_probe(body) else behave

    root = write_example(tmp_path / "source")
    out = ["--output-dir", str(tmp_path / "out"), "--scopes", "step=1", "--max-samples", "6", "--check", "none"]
    with HostileServer(decide) as server:
        run = ["annotate", "--root", str(root), *out, "--generator", "qwen-openai", "--base-url", server.url]
        result = CliRunner().invoke(cli, [*run, "--price-in", "1", "--price-out", "2"])
    assert result.exit_code == 0, result.output
    reported = " (1,200 of images, 3,000 cached)" if cached else ""
    assert f"tokens     4,000 in{reported}, 600 out" in result.output
    assert "cost       $0.01" in result.output  # 0.0052
    manifest = json.loads((tmp_path / "out/meta/pgen/manifest.json").read_text())
    parts = {"images": 1200, "text": 2800} if cached else {"images": None, "text": None}
    assert manifest["tokens"] == {"in": 4000, **parts, "out": 600, "cached": 2 * cached}
