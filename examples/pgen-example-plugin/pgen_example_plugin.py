"""A plugin for pgen: the sampler `first-last` and the generator `shout`."""

import json
from collections.abc import Iterator

from pgen import Episode, Generator, Options, Reply, Request, Sampler, frame_ranges, hookimpl


class FirstLastSampler(Sampler):
    """The first and the last frame of each skill."""

    name = "first-last"

    def frames(self, episode: Episode) -> Iterator[int]:
        for frames in filter(None, frame_ranges(episode)):
            yield frames[0]
            yield frames[-1]


class ShoutOptions(Options):
    marks: int = 1
    """Exclamation marks after each sentence."""


class ShoutGenerator(Generator[ShoutOptions]):
    """Writes the current skill in capitals, without a model."""

    name = "shout"

    async def generate(self, request: Request) -> Reply:
        # The reply must fit the request's schema: text for each field, or the first value of its enum.
        text = request.sample.span.skill.upper() + "!" * self.options.marks
        fields = request.prompt.schema["properties"]
        return Reply(json.dumps({key: field["enum"][0] if "enum" in field else text for key, field in fields.items()}))


@hookimpl
def pgen_samplers() -> tuple[type[Sampler], ...]:
    return (FirstLastSampler,)


@hookimpl
def pgen_generators() -> tuple[type[Generator], ...]:
    return (ShoutGenerator,)
