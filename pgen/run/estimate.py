"""About how many tokens a run sends and receives, before it sends any.

The first requests are built and measured, as the generator would send them, and the others are assumed to be alike.
No image is decoded: its size follows from the metadata of the input or, where they do not state it, is at most
`max_pixels`.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from pgen.components import Generator, Patches, PromptBuilder
from pgen.config import Parts, RunOptions
from pgen.inference.conversation import as_turn, conversations, moments, turns_after
from pgen.inference.judging import JudgePrompt, options_of
from pgen.inference.prompting import prompt_for, takes_moments
from pgen.inference.token_estimate import PrefixCache, request_tokens, text_tokens, tokenizer_of
from pgen.media import fitted
from pgen.records import Annotation, Dialogue, Episode, Plan, Prompt, Sample
from pgen.seeds import sample_seed

MEASURED = 256
"""Requests that are built and measured."""

_SEEN = "a table with a box and two objects, and the robot above one of them"
"""As much as a model writes about what is visible, about."""

type Asked = tuple[Sequence[Sample], Prompt]
"""The samples of a request, and its prompt."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars per million tokens, read and written; None where the user states none."""

    tokens_in: float | None = None
    tokens_out: float | None = None

    def __bool__(self) -> bool:
        return self.tokens_in is not None or self.tokens_out is not None

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Return the dollars for so many tokens."""
        return (tokens_in * (self.tokens_in or 0.0) + tokens_out * (self.tokens_out or 0.0)) / 1e6


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens of a run: sent, of these found in a server's prefix cache, and received; without repeated requests.

    `bounded` is whether the sizes of some images are unknown, so that `tokens_in` is a bound. `image_tokens` are those
    of `tokens_in` that are images. `tokenizer` is whether the model's own counted those of texts. The tokens of the
    judge are not among the others.
    """

    tokens_in: int
    image_tokens: int
    tokens_cached: int
    tokens_out: int
    bounded: bool
    judge_in: int = 0
    judge_out: int = 0
    tokenizer: bool = False

    def cost(self, prices: Prices) -> float:
        """Return the dollars for all requests, those to the judge included."""
        return prices.cost(self.tokens_in + self.judge_in, self.tokens_out + self.judge_out)


@dataclass(frozen=True, slots=True)
class Images:
    """How many tokens the images of a moment are, for a generator."""

    patches: Patches
    sizes: dict[str, tuple[int, int]]
    max_pixels: int
    images_per_camera: int
    clips: bool

    def of(self, sample: Sample) -> list[tuple[str, int]]:
        """Return the name and the tokens of each image of a sample."""
        frames = len(sample.moment.clip) or 1
        counted = frames if frames == 1 or not self.clips else (frames + 1) // 2  # a video: two frames a token
        named = zip(sample.moment.images, sample.moment.cameras, strict=False)
        return [(name, counted * self._one(camera)) for name, camera in named]

    def bounds(self, sample: Sample) -> bool:
        """Return whether the size of an image of a sample is unknown."""
        return bool(sample.moment.images) and not self.sizes.keys() >= set(sample.moment.cameras)

    def _one(self, camera: str) -> int:
        pixels = self.max_pixels // self.images_per_camera
        if camera not in self.sizes:
            return self.patches.most(pixels)
        return self.patches.tokens(*fitted(*self.sizes[camera], pixels))


def estimate(
    parts: Parts, options: RunOptions, planned: Iterable[tuple[Episode, list[Sample]]], requests: int, judged: int
) -> Estimate | None:
    """Return the estimate of a run of so many requests and judged dialogues; None for a generator without a model."""
    if not (images := _images(parts, options, parts.generator)):
        return None
    cache, sums, first = PrefixCache(), [0, 0, 0, 0], list[Sample]()
    tokenize = tokenizer_of(parts.generator.model)
    measured = 0
    for samples, prompt in islice(asked(parts.prompts, parts.generator, options, planned), MEASURED):
        shown = images.of(samples[0])
        tokens = request_tokens(prompt, shown, tokenize)
        several = takes_moments(parts.prompts, parts.generator)
        reply = reply_text([_example(parts.prompts, sample, options) for sample in samples], several=several)
        counted = (len(tokens), sum(count for _, count in shown), cache.cached(tokens), len(tokenize(reply)) + 1)
        sums = [total + count for total, count in zip(sums, counted, strict=True)]
        measured, first = measured + 1, [*first, samples[0]]
    tokens_in, image_tokens, cached, tokens_out = (total * requests // max(measured, 1) for total in sums)
    bounded = any(map(images.bounds, first))
    judge = _judge(parts, options, first, judged)
    return Estimate(tokens_in, image_tokens, cached, tokens_out, bounded, *judge, tokenize is not text_tokens)


def asked(
    prompts: PromptBuilder,
    generator: Generator,
    options: RunOptions,
    planned: Iterable[tuple[Episode, list[Sample]]],
) -> Iterator[Asked]:
    """Yield the requests of a run in the order in which they are sent, with example dialogues as earlier turns."""
    several = takes_moments(prompts, generator)
    for _, samples in planned:
        for conversation in conversations(samples, several=several) if options.in_turns else [samples]:
            turn = _as_turns(prompts, conversation, options) if options.in_turns else moments(conversation)
            for moment in turn:
                for group in [moment] if several else [(sample,) for sample in moment]:
                    seed = sample_seed(options.seed, group[0])
                    yield group, prompt_for(prompts, group, seed, options.language, several=several)


def reply_text(dialogues: Sequence[dict[str, str]], *, several: bool) -> str:
    """Return a reply with these dialogues, as a model writes it."""
    if not several:
        return json.dumps(dialogues[0])
    numbered: list[dict[str, Any]] = [{"number": number, **it} for number, it in enumerate(dialogues, 1)]
    return json.dumps({"seen": _SEEN, "fits": True, "dialogues": numbered})


def _as_turns(prompts: PromptBuilder, samples: list[Sample], options: RunOptions) -> Iterator[tuple[Sample, ...]]:
    turns = samples[0].question.turns
    for moment in moments(samples):
        current = tuple(as_turn(sample, turns) for sample in moment)
        yield current
        turns = turns_after([Annotation(it, Plan(), _dialogue(prompts, it, options)) for it in current])


def _example(prompts: PromptBuilder, sample: Sample, options: RunOptions) -> dict[str, str]:
    return prompts.example(sample, sample_seed(options.seed, sample))


def _dialogue(prompts: PromptBuilder, sample: Sample, options: RunOptions) -> Dialogue:
    example, place = _example(prompts, sample, options), f"{sample.question.variant + 1}: "
    return Dialogue(place + example["user_prompt"], example["robot_utterance"])  # each conversation has its own words


def _images(parts: Parts, options: RunOptions, generator: Generator) -> Images | None:
    if not generator.patches:
        return None
    sizes, per_camera = dict(parts.source.image_sizes()), parts.sampler.images_per_camera
    return Images(generator.patches, sizes, options.max_pixels, per_camera, generator.takes_clips)


def _judge(parts: Parts, options: RunOptions, samples: Sequence[Sample], judged: int) -> tuple[int, int]:
    """Return the tokens that the judge receives and sends for so many dialogues."""
    if parts.judge is None or not samples or not (images := _images(parts, options, parts.judge)):
        return 0, 0
    prompts, sums = JudgePrompt(), [0, 0]
    for sample in samples:
        about = replace(sample, question=replace(sample.question, about=_dialogue(parts.prompts, sample, options)))
        choices = options_of(about, sample_seed(options.seed, about))
        built = [prompts.build(about, 0), *([prompts.choice(about, choices)] if choices else [])]
        sums[0] += sum(len(request_tokens(prompt, images.of(sample))) for prompt in built)
        sums[1] += len(text_tokens(json.dumps(prompts.example(about, 0)))) + (len(text_tokens(_SEEN)) if choices else 0)
    return sums[0] * judged // len(samples), sums[1] * judged // len(samples)
