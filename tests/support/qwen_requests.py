"""Requests with drawn images and a short reply schema, and a generator's replies to them."""

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
"""The real schema with texts of at most six characters: random weights always use the maximum."""


@cache
def image(number: int) -> Image:
    """Draw an image of a size and content of its own."""
    drawn = PIL.Image.linear_gradient("L").rotate(37 * number).convert("RGB")
    return encode(drawn.resize((60 + 20 * (number % 4), 50 + 15 * (number % 3))), "front", 1 << 20)


def request(number: int, count: int = 1, schema: Any = SHORT_SCHEMA, **changes: Any) -> Request:
    """Return a request whose text, system message, images and seed depend on its number."""
    text = f"Step {number}. " + "What does the person say? " * (number % 4)
    prompt = Prompt(text, schema, system="You write dialogue." if number % 2 else "")
    images = tuple(image(number + place) for place in range(count))
    fields = {"samples": (make_samples()[0],), "prompt": prompt, "images": images, "seed": 1000 + number}
    return Request(**{**fields, **changes})


def replies(generator: QwenTransformers, requests: Sequence[Request], in_flight: int | None = None) -> list[Any]:
    """Return a Reply or an exception for each request, with `in_flight` of them at once."""

    async def run() -> list[Any]:
        await generator.open()
        try:
            slots = asyncio.Semaphore(in_flight or generator.concurrency)

            async def reply(request: Request) -> Reply:
                async with slots:
                    return await generator.generate(request)

            return await asyncio.gather(*map(reply, requests), return_exceptions=True)
        finally:
            await generator.close()

    return asyncio.run(run())
