"""Prompt tokens that vLLM computes for a dialogue of a default run, and those of the simulated prefix cache.

The requests of `tokens.py` for the demo are sent, with their images, to vLLM on the CPU. Its usage states how many
tokens of each prompt it found in its prefix cache. The simulation counts the same requests with the same tokenizer. The
model is a tiny Qwen2.5-VL with random weights, and replies are cut: only prompts are compared. PGEN_VLLM_PYTHON is the
Python of an environment with vLLM and transformers (`make servers`).
"""

import asyncio
import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import tokens
from common.table import Row, main
from common.tiny_checkpoint import MAX_PIXELS, checkpoint
from pgen.components import Patches, Source
from pgen.inference.token_estimate import PrefixCache, request_tokens, tokenizer_of
from pgen.records import Reply, Request
from pgen.run.estimate import Images, asked
from pgen.run.planning import Planner
from pgen.seeds import sample_seed
from pgen_demo.example import write_example
from pgen_qwen_openai.generator import QwenOpenAIGenerator
from pgen_samplers.samplers import Segments

IN_FLIGHT = 64
"""As many as in a default run."""
BLOCK = 32
"""Tokens that vLLM caches together on the CPU; on a GPU it is 16."""
WRITTEN = 4
"""Tokens of a reply."""
SERVER = (
    "--host 127.0.0.1 --port {port} --dtype float32 --max-model-len 8192 --max-num-seqs 64 --enforce-eager"
    " --generation-config vllm --served-model-name tiny --enable-prompt-tokens-details"
    " --enable-prefix-caching --block-size 32 --limit-mm-per-prompt '{\"image\":4}'"
)
QUIET = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_CPU_KVCACHE_SPACE": "2"}


@dataclass(frozen=True, slots=True)
class Counts:
    """The prompt tokens of all requests, and those that are computed."""

    tokens: int
    computed: int


def lines(tiny: bool = False) -> Iterator[Row]:
    measure = "demo, prompt tokens that vLLM computes per dialogue"
    python = os.environ.get("PGEN_VLLM_PYTHON", "")
    if not os.access(python, os.X_OK):
        yield Row(measure, "not measured", "")
        return
    with TemporaryDirectory() as place:
        (source,) = tokens.sources([write_example(Path(place, "demo"))])
        model = checkpoint(real_size=False, python=python)
        requests = built(source)[: 4 if tiny else None]
        dialogues = sum(len(request.samples) for request in requests)
        together, alone = asyncio.run(_served(python, model, requests))
        expected, finer = (simulated(source, requests, model, block) for block in (BLOCK, 16))
    values = {"simulated": expected, "one request at a time": alone, "simulated with blocks of 16 tokens": finer}
    others = {name: f"{it.computed / dialogues:,.0f}" for name, it in values.items()}
    others |= {"all prompt tokens": f"{together.tokens / dialogues:,.0f}"}
    others |= {"of these simulated": f"{expected.tokens / dialogues:,.0f}"}
    yield Row(measure, f"{together.computed / dialogues:,.0f}", "", others)


def built(source: Source) -> list[Request]:
    """Return the requests of a default run in their order, with their images."""
    form = tokens.FORMS["default"]
    options = form.run()
    planner = Planner(source, Segments(), form.prompts, options.seed, options.variants, options.scopes)
    planned = planner.planned(source.episodes())
    with source.reader(MAX_PIXELS) as reader:
        return [
            Request(tuple(samples), prompt, reader.images(samples[0]), sample_seed(options.seed, samples[0]))
            for samples, prompt in asked(form.prompts, tokens.Model(), options, planned)
        ]


def simulated(source: Source, requests: Sequence[Request], model: Path, block: int) -> Counts:
    """Return the counts of the simulation of `tokens.py`, with the tokenizer of the model."""
    images = Images(Patches(28, 4), dict(source.image_sizes()), MAX_PIXELS, 1, clips=False)
    tokenize, cache = tokenizer_of(str(model)), PrefixCache(block)
    sent = [request_tokens(it.prompt, images.of(it.sample), tokenize) for it in requests]
    return Counts(sum(map(len, sent)), sum(len(it) - cache.cached(it) for it in sent))


async def _served(python: str, model: Path, requests: Sequence[Request]) -> tuple[Counts, Counts]:
    """Start the server; send all requests together, and again one by one with another beginning."""
    command = f"{shlex.join([python, '-m', 'vllm.entrypoints.openai.api_server', '--model', str(model)])} {SERVER}"
    os.environ |= QUIET
    generator = QwenOpenAIGenerator(
        serve=command, concurrency=IN_FLIGHT, max_tokens=WRITTEN, serve_timeout=900, timeout=900
    )
    await generator.open()
    try:
        return await _sent(generator, requests, "A", IN_FLIGHT), await _sent(generator, requests, "B", 1)
    finally:
        await generator.close()


async def _sent(generator: QwenOpenAIGenerator, requests: Sequence[Request], beginning: str, flight: int) -> Counts:
    """Send the requests in their order; another beginning shares no prefix."""
    free = asyncio.Semaphore(flight)

    async def reply(request: Request) -> Reply:
        async with free:
            system = f"{beginning}. {request.prompt.system}"
            return await generator.generate(replace(request, prompt=replace(request.prompt, system=system)))

    replies = await asyncio.gather(*map(reply, requests))
    total = sum(it.tokens_in for it in replies)
    return Counts(total, total - sum(it.tokens_cached for it in replies))


if __name__ == "__main__":
    main(lines)
