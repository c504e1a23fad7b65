"""Requests with drawn pictures and a short reply schema, and ways to have them answered."""

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Any

import PIL.Image

from pgen.media.images import encode
from pgen.records import Image, Prompt, Reply, Request
from pgen.testing import make_samples
from pgen_dialogue.prompts.reply_schema import typed_schema
from pgen_qwen_transformers.generator import QwenTransformers

FULL_SCHEMA = typed_schema()
_TEXT = {**FULL_SCHEMA["properties"]["user_prompt"], "maxLength": 6}
SHORT_SCHEMA = {
    **FULL_SCHEMA,
    "properties": {**FULL_SCHEMA["properties"], "user_prompt": _TEXT, "robot_utterance": _TEXT},
}
"""The real schema with texts of at most six characters: random weights use all the room there is."""


@cache
def picture(number: int) -> Image:
    """A picture of a size and content of its own."""
    drawn = PIL.Image.linear_gradient("L").rotate(37 * number).convert("RGB")
    return encode(drawn.resize((60 + 20 * (number % 4), 50 + 15 * (number % 3))), "front", 1 << 20)


def request(number: int, pictures: int = 1, schema: Any = SHORT_SCHEMA, **changes: Any) -> Request:
    """A request whose text, system message, pictures and seed depend on its number."""
    text = f"Step {number}. " + "What does the person say? " * (number % 4)
    prompt = Prompt(text, schema, system="You write dialogue." if number % 2 else "")
    images = tuple(picture(number + place) for place in range(pictures))
    fields = {"sample": make_samples()[0], "prompt": prompt, "images": images, "seed": 1000 + number}
    return Request(**{**fields, **changes})


def replies(generator: QwenTransformers, requests: Sequence[Request], at_once: int | None = None) -> list[Any]:
    """What becomes of each request, a Reply or an exception, with `at_once` of them in flight."""

    async def ask() -> list[Any]:
        await generator.open()
        try:
            flights = asyncio.Semaphore(at_once or generator.concurrency)

            async def one(request: Request) -> Reply:
                async with flights:
                    return await generator.generate(request)

            return await asyncio.gather(*map(one, requests), return_exceptions=True)
        finally:
            await generator.close()

    return asyncio.run(ask())
