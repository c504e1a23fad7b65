"""`transformers serve` ignores the schema and answers 200: a test of the fallback format and the parser."""

import asyncio
import shlex
from collections import Counter
from pathlib import Path

from asking_servers import outcome, replies, requests_with_images

from pgen.errors import SampleError
from pgen.records import Dialogue
from pgen_qwen_openai.generator import QwenOpenAIGenerator

COUNT = 16
"""It answers one request at a time."""


def test_every_sample_ends_with_a_dialogue_or_its_reason(serve_python, checkpoint):
    folder = checkpoint(serve_python, "qwen2_5_vl")
    program = str(Path(serve_python).with_name("transformers"))
    serve = f"{shlex.join([program, 'serve', str(folder)])} --host 127.0.0.1 --port {{port}} --device cpu"
    generator = QwenOpenAIGenerator(
        **{"serve": serve, "model": str(folder), "serve_timeout": 400, "concurrency": 4, "temperature": 1.0},
        **{"max_tokens": 24, "max_retries": 2, "retry_wait": 0.01},
    )
    requests = list(requests_with_images(COUNT))
    results = asyncio.run(replies(generator, requests))
    outcomes = map(outcome, results, requests)
    ends = Counter("ok" if isinstance(end, Dialogue) else end for end in outcomes)
    assert generator.provenance()["response_format"] == "plain"
    assert sum(ends.values()) == COUNT
    assert set(ends) <= {"ok", "transport", "truncated", "parse", "schema"}
    assert all(reply.reason for reply in results if isinstance(reply, SampleError))
    assert not all(isinstance(reply, SampleError) for reply in results)
