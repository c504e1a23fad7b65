"""Requests with pictures that differ, and what becomes of them with a generator."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO

from PIL import Image as Picture

from pgen.components import Generator
from pgen.errors import SampleError
from pgen.inference.parsing import parse
from pgen.records import Clip, Dialogue, Image, Prompt, Reply, Request
from pgen.testing import make_episode, make_samples
from pgen_dialogue.prompts.reply_schema import typed_schema

SCHEMA = typed_schema()


def requests(count: int) -> Iterator[Request]:
    """With no, one and two pictures in turn, no two alike."""
    (sample, *_) = make_samples(make_episode())
    for number in range(count):
        images = tuple(picture(number, camera) for camera in range(number % 3))
        prompt = Prompt(f"Step {number}: what may be said?", SCHEMA, "You write dialogue.")
        yield Request(sample, prompt, images, seed=number)


def with_clips(count: int) -> Iterator[Request]:
    """With one clip each, of two frames and of six in turn, a second apart: the rate that vLLM supposes."""
    for number, request in enumerate(requests(count)):
        frames = tuple(picture(number + 3 * frame, 0) for frame in range(2 if number % 2 == 0 else 6))
        times = tuple(float(place + 1 - len(frames)) for place in range(len(frames)))
        yield replace(request, images=(), clips=(Clip("camera 0", frames, times),))


def picture(number: int, camera: int) -> Image:
    colours = [((number * 37 + camera * 91 + place * 53) % 256) for place in range(4 * 3)]
    file = BytesIO()
    Picture.frombytes("RGB", (2, 2), bytes(colours)).resize((64, 48)).save(file, "JPEG", quality=90)
    return Image(f"camera {camera}", file.getvalue(), 64, 48)


async def ask(generator: Generator, asked: Sequence[Request]) -> list[Reply | SampleError]:
    """A reply or an error for each request, `concurrency` at once; the generator is opened and closed."""
    turns = asyncio.Semaphore(generator.concurrency)

    async def one(request: Request) -> Reply | SampleError:
        async with turns:
            try:
                return await generator.generate(request)
            except SampleError as error:
                return error

    await generator.open()
    try:
        return list(await asyncio.gather(*map(one, asked)))
    finally:
        await generator.close()


def outcome(reply: Reply | SampleError, request: Request) -> Dialogue | str:
    """The dialogue, or the stage at which there was none."""
    if isinstance(reply, SampleError):
        return reply.stage
    try:
        return parse(reply, request.prompt)
    except SampleError as error:
        return error.stage
