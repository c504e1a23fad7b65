"""vLLM on the CPU, started and stopped by the generator."""

import asyncio
import json
import shlex
from importlib.util import find_spec

import pytest
from asking_servers import outcome, replies, requests_with_clips, requests_with_images
from server_environments import missing
from tiny_qwen import REASONING, TEMPLATE

from pgen.api import annotate
from pgen.records import SCORES, Dialogue
from pgen.testing import FakeSource, MemorySink, make_episode
from pgen_qwen_openai.generator import QwenOpenAIGenerator

STRUCTURED = json.dumps({"backend": "guidance", "disable_any_whitespace": True})
FAMILY = "qwen2_5_vl"
COUNT, CLIPS, COMPARED = 200, 6, 24
TOKENS = 2600
"""Room for texts of 300 characters at a token a byte."""


def command(python, checkpoint, *further):
    options = "--host 127.0.0.1 --port {port} --dtype float32 --max-model-len 8192 --max-num-seqs 32 --enforce-eager"
    options += " --trust-request-mm-kwargs --enable-prompt-tokens-details"  # the times of clips, tokens of images
    # The checkpoint's own repetition penalty is left out: greedy text is then that of the model alone.
    options += " --generation-config vllm --served-model-name tiny"
    more = ["--limit-mm-per-prompt", '{"image":4,"video":2}', "--structured-outputs-config", STRUCTURED]
    start = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint)]
    return f"{shlex.join(start)} {options} {shlex.join([*more, *further])}"


@pytest.fixture(scope="module")
def answered(vllm_python, checkpoint, quiet):
    """The checkpoint, the generator, and its replies to all requests, from one start of the server."""
    folder = checkpoint(vllm_python, FAMILY)
    generator = QwenOpenAIGenerator(
        serve=command(vllm_python, folder),
        concurrency=16,
        max_tokens=TOKENS,
        serve_timeout=400,
        max_retries=2,
        clips="video",
    )
    return (
        folder,
        generator,
        asyncio.run(replies(generator, [*requests_with_images(COUNT), *requests_with_clips(CLIPS)])),
    )


def test_every_reply_is_valid_and_none_is_lost(answered):
    _, generator, results = answered
    outcomes = [
        outcome(reply, request) for reply, request in zip(results[:COUNT], requests_with_images(COUNT), strict=True)
    ]
    assert [end for end in outcomes if not isinstance(end, Dialogue)] == []
    assert generator.provenance() == {"model": "tiny", "response_format": "json_schema", "clip_times": True}
    assert all(reply.tokens_in and reply.tokens_out for reply in results)


def test_images_are_seen(answered):
    _, _, results = answered
    none, one, two = ({reply.tokens_in for reply in results[start:9:3]} for start in range(3))
    assert max(none) < min(one) < min(two)


def test_clips_are_seen_as_videos(answered):
    _, _, results = answered
    clips = list(zip(results[COUNT:], requests_with_clips(CLIPS), strict=True))
    assert all(isinstance(outcome(reply, request), Dialogue) for reply, request in clips)
    short, long = (reply.tokens_in for reply, _ in clips[:2])
    assert max(reply.tokens_in for reply in results[:COUNT:3]) < short < long


def test_the_greedy_text_is_that_of_the_model_in_this_process(answered):
    if lacking := [name for name in ("torch", "torchvision", "transformers", "llguidance") if find_spec(name) is None]:
        missing(f"no comparison with qwen-transformers: {', '.join(lacking)} is missing")
    from pgen_qwen_transformers.generator import QwenTransformers

    folder, _, results = answered
    local = QwenTransformers(model=str(folder), device="cpu", max_new_tokens=TOKENS, batch_size=8)
    # Of the clips the short ones: vLLM spaces the frames of longer ones otherwise, with their times and without.
    requests = [*requests_with_images(COMPARED), *list(requests_with_clips(CLIPS))[::2]]
    own, of_server = asyncio.run(replies(local, requests)), [*results[:COMPARED], *results[COUNT::2]]
    assert [reply.text for reply in own] == [reply.text for reply in of_server]
    assert [reply.tokens_images for reply in own] == [reply.tokens_images or 0 for reply in of_server]
    assert sum(reply.tokens_images > 0 for reply in own) > COMPARED // 2


def test_a_model_that_reasons_by_default_replies_at_once(vllm_python, checkpoint, quiet, tmp_path):
    """Random weights never end their reasoning: unless it is turned off, the reasoning parser leaves no content."""
    template = tmp_path / "template.jinja"
    template.write_text(TEMPLATE.replace("DEFAULT", "true") + REASONING, encoding="utf-8")
    parser = ("--reasoning-parser", "qwen3", "--chat-template", str(template))
    serve = command(vllm_python, checkpoint(vllm_python, FAMILY), *parser)
    generator = QwenOpenAIGenerator(serve=serve, concurrency=16, max_tokens=TOKENS, serve_timeout=400, max_retries=2)
    requests = list(requests_with_images(COMPARED))
    results = asyncio.run(replies(generator, requests))
    assert generator.provenance()["reasoning"] == "off, by chat_template_kwargs.enable_thinking=false"
    assert generator.provenance()["response_format"] == "json_schema"
    assert all(isinstance(outcome(reply, request), Dialogue) for reply, request in zip(results, requests, strict=True))


def test_a_judge_gives_scores_that_fit_for_every_dialogue(vllm_python, checkpoint, quiet, tmp_path):
    """Of random weights, so that they mean nothing: guided decoding keeps them to the schema."""
    judge = QwenOpenAIGenerator(
        serve=command(vllm_python, checkpoint(vllm_python, FAMILY)), max_tokens=TOKENS, serve_timeout=400, max_retries=2
    )
    sink = MemorySink()
    source = FakeSource(*(make_episode(index=index) for index in range(4)))
    annotate(source, tmp_path / "out", generator="template", judge=judge, judge_share=1.0, sink=sink)
    judgement = sink.manifest["judge"]
    assert (judgement["failed"], judgement["judged"]) == (0, len(sink.annotations))
    assert all(1 <= judgement["mean"][name] <= 5 for name in SCORES)
    assert judgement["model"] == "tiny"
