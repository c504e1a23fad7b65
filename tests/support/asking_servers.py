"""Requests with different images, and the dialogues that a generator returns for them."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO

import PIL.Image

from pgen.components import Generator
from pgen.errors import SampleError
from pgen.inference.parsing import parse
from pgen.records import Clip, Dialogue, Image, Prompt, Reply, Request
from pgen.testing import make_episode, make_samples
from pgen_dialogue.prompts.reply_schema import typed_schema

SCHEMA = typed_schema()


def requests_with_images(count: int) -> Iterator[Request]:
    """Yield requests with no, one and two images in turn, all different."""
    (sample, *_) = make_samples(make_episode())
    for number in range(count):
        images = tuple(image(number, camera) for camera in range(number % 3))
        prompt = Prompt(f"Step {number}: what may be said?", SCHEMA, "You write dialogue.")
        yield Request((sample,), prompt, images, seed=number)


def requests_with_clips(count: int) -> Iterator[Request]:
    """Yield requests with one clip each, of two and six frames in turn, half a second apart."""
    for number, request in enumerate(requests_with_images(count)):
        frames = tuple(image(number + 3 * frame, 0) for frame in range(2 if number % 2 == 0 else 6))
        times = tuple((place + 1 - len(frames)) / 2 for place in range(len(frames)))
        yield replace(request, images=(), clips=(Clip("camera 0", frames, times),))


def image(number: int, camera: int) -> Image:
    pixels = [((number * 37 + camera * 91 + place * 53) % 256) for place in range(4 * 3)]
    file = BytesIO()
    PIL.Image.frombytes("RGB", (2, 2), bytes(pixels)).resize((64, 48)).save(file, "JPEG", quality=90)
    return Image(f"camera {camera}", file.getvalue(), 64, 48)


async def replies(generator: Generator, requests: Sequence[Request]) -> list[Reply | SampleError]:
    """Return a reply or an error for each request, with `concurrency` in flight."""
    slots = asyncio.Semaphore(generator.concurrency)

    async def reply(request: Request) -> Reply | SampleError:
        async with slots:
            try:
                return await generator.generate(request)
            except SampleError as error:
                return error

    await generator.open()
    try:
        return list(await asyncio.gather(*map(reply, requests)))
    finally:
        await generator.close()


def outcome(reply: Reply | SampleError, request: Request) -> Dialogue | str:
    """Return the dialogue, or the stage that failed."""
    if isinstance(reply, SampleError):
        return reply.stage
    try:
        return parse(reply, request.prompt)
    except SampleError as error:
        return error.stage
