"""vLLM on the CPU, started and stopped by the generator: the server that most users have."""

import asyncio
import json
import shlex
from importlib.util import find_spec

import pytest
from asking_servers import ask, outcome, requests, with_clips
from server_environments import missing

from pgen.api import annotate
from pgen.inference.judging import SCORES
from pgen.records import Dialogue
from pgen.testing import FakeSource, MemorySink, make_episode
from pgen_qwen_openai.generator import QwenOpenAIGenerator

STRUCTURED = json.dumps({"backend": "guidance", "disable_any_whitespace": True})
FAMILY = "qwen2_5_vl"
COUNT, CLIPS, COMPARED = 200, 6, 24
TOKENS = 2600
"""Room for texts of 300 characters at a token a byte."""


def command(python, checkpoint):
    options = "--host 127.0.0.1 --port {port} --dtype float32 --max-model-len 8192 --max-num-seqs 32 --enforce-eager"
    # The checkpoint's own repetition penalty is left out: greedy text is then that of the model alone.
    options += " --generation-config vllm --served-model-name tiny"
    more = ["--limit-mm-per-prompt", '{"image":4,"video":2}', "--structured-outputs-config", STRUCTURED]
    start = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(checkpoint)]
    return f"{shlex.join(start)} {options} {shlex.join(more)}"


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
    return folder, generator, asyncio.run(ask(generator, [*requests(COUNT), *with_clips(CLIPS)]))


def test_every_reply_is_valid_and_none_is_lost(answered):
    _, generator, replies = answered
    outcomes = [outcome(reply, request) for reply, request in zip(replies[:COUNT], requests(COUNT), strict=True)]
    assert [found for found in outcomes if not isinstance(found, Dialogue)] == []
    assert generator.provenance() == {"model": "tiny", "response_format": "json_schema"}
    assert all(reply.tokens_in and reply.tokens_out for reply in replies)


def test_the_pictures_are_seen(answered):
    _, _, replies = answered
    none, one, two = ({reply.tokens_in for reply in replies[start:9:3]} for start in range(3))
    assert max(none) < min(one) < min(two)


def test_clips_are_seen_as_videos(answered):
    _, _, replies = answered
    clips = list(zip(replies[COUNT:], with_clips(CLIPS), strict=True))
    assert all(isinstance(outcome(reply, request), Dialogue) for reply, request in clips)
    short, long = (reply.tokens_in for reply, _ in clips[:2])
    assert max(reply.tokens_in for reply in replies[:COUNT:3]) < short < long


def test_the_greedy_text_is_that_of_the_model_in_this_process(answered):
    if lacking := [name for name in ("torch", "torchvision", "transformers", "llguidance") if find_spec(name) is None]:
        missing(f"no comparison with qwen-transformers: {', '.join(lacking)} is missing")
    from pgen_qwen_transformers.generator import QwenTransformers

    folder, _, replies = answered
    local = QwenTransformers(model=str(folder), device="cpu", max_new_tokens=TOKENS, batch_size=8)
    # Of the clips the short ones: vLLM gives the frames of longer ones other times.
    asked = [*requests(COMPARED), *list(with_clips(CLIPS))[::2]]
    texts = [reply.text for reply in asyncio.run(ask(local, asked))]
    assert texts == [reply.text for reply in (*replies[:COMPARED], *replies[COUNT::2])]


def test_a_judge_gives_scores_that_fit_for_every_dialogue(vllm_python, checkpoint, quiet, tmp_path):
    """Of random weights, so that they mean nothing: guided decoding keeps them to the schema."""
    judge = QwenOpenAIGenerator(
        serve=command(vllm_python, checkpoint(vllm_python, FAMILY)), max_tokens=TOKENS, serve_timeout=400, max_retries=2
    )
    sink = MemorySink()
    source = FakeSource(*(make_episode(index=index) for index in range(4)))
    annotate(source, tmp_path / "out", generator="template", judge=judge, judge_share=1.0, sink=sink)
    told = sink.manifest["judge"]
    assert (told["failed"], told["judged"]) == (0, len(sink.annotations))
    assert all(1 <= told["mean"][name] <= 5 for name in SCORES)
    assert told["model"] == "tiny"
