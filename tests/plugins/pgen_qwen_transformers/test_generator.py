"""Real architectures with random weights: every reply fits its schema, in every batch."""

import json
import sys
from dataclasses import replace
from random import Random

import pytest
from moment_requests import moment_request
from qwen_requests import image, replies, request
from tiny_qwen import FAMILIES

from pgen.inference.parsing import parse
from pgen.inference.replies import narrow, parse_dialogues
from pgen.records import Clip, Dialogue, Repair, Request
from pgen.testing import make_samples
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.seed import SeedPrompt
from pgen_qwen_transformers.generator import QwenTransformers

COUNTS = {1: 8, 4: 24, 16: 64, 80: 160}
"""The number of requests by batch size: 256 in all."""


def tiny(tiny_checkpoint, family: str = "qwen2_5_vl", **options) -> QwenTransformers:
    return QwenTransformers(model=str(tiny_checkpoint(family)), device="cpu", **options)


@pytest.fixture(autouse=True)
def _one_thread(tiny_checkpoint):
    """Tiny models are slower with two threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("family", FAMILIES)
def test_256_of_256_replies_fit_their_schema(tiny_checkpoint, family) -> None:
    for batch_size, count in COUNTS.items():
        for temperature in (0.0, 1.0):
            requests = [request(number, count=number % 3) for number in range(count // 2)]
            generator = tiny(tiny_checkpoint, family, batch_size=batch_size, temperature=temperature)
            for sent, reply in zip(requests, replies(generator, requests), strict=True):
                parse(reply, sent.prompt)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_reply_is_the_same_alone_and_in_any_batch(tiny_checkpoint, family, temperature) -> None:
    requests = [request(number, count=(1, 0, 2, 1, 2)[number]) for number in range(5)]
    alone = replies(tiny(tiny_checkpoint, family, temperature=temperature), requests)
    assert len({reply.text for reply in alone}) == 5
    for seed in (1, 2):
        order = Random(seed).sample(range(5), 5)
        generator = tiny(tiny_checkpoint, family, temperature=temperature, batch_size=5 - seed)
        together = replies(generator, [requests[number] for number in order])
        assert together == [alone[number] for number in order]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_moment_has_all_its_dialogues_alone_and_in_any_batch(tiny_checkpoint, family) -> None:
    requests = [moment_request(count, (image(count),), longest=6) for count in (5, 1, 3)]
    alone = replies(tiny(tiny_checkpoint, family, temperature=1.0), requests)
    for sent, reply in zip(requests, alone, strict=True):
        dialogues = parse_dialogues(reply, sent.prompt, sent.numbers)
        assert [isinstance(dialogue, Dialogue) for dialogue in dialogues.values()] == [True] * len(sent.samples)
        assert (reply.truncated, reply.tokens_cached) == (False, 0)
    assert replies(tiny(tiny_checkpoint, family, temperature=1.0, batch_size=3), requests) == alone


def test_a_repair_of_two_of_five_is_held_to_their_numbers(tiny_checkpoint) -> None:
    request = moment_request(5, (image(5),), longest=6)
    again = narrow(replace(request, numbers=(2, 5), repair=Repair("{}", "number 2: too short; number 5: missing")))
    (reply,) = replies(tiny(tiny_checkpoint, temperature=1.0), [again])
    assert [item["number"] for item in json.loads(reply.text)["dialogues"]] == [2, 5]


@pytest.mark.parametrize("builder", [HiRobotPrompt(), SeedPrompt()], ids=["hi-robot", "seed"])
def test_the_prompt_builders_of_pgen_are_answered(tiny_checkpoint, builder) -> None:
    builder.open()
    requests = [
        Request((sample,), builder.build(sample, number), (image(number),), seed=number)
        for number, sample in enumerate(make_samples())
    ]
    generator = tiny(tiny_checkpoint, "qwen3_vl", batch_size=4, max_new_tokens=2048)
    for sent, reply in zip(requests, replies(generator, requests), strict=True):
        assert parse(reply, sent.prompt).user_prompt
        assert reply.tokens_in > len(sent.prompt.text) // 8


@pytest.mark.parametrize("family", FAMILIES)
def test_the_tokens_of_images_are_those_that_replace_them_in_the_prompt(tiny_checkpoint, family) -> None:
    none, some, two = (request(1, images=images) for images in ((), (image(1),), (image(1), image(2))))
    without, one, both = replies(tiny(tiny_checkpoint, family), [none, some, two])
    around = 2  # the beginning and the end of an image
    assert (without.tokens_images, one.tokens_images > 0) == (0, True)
    assert one.tokens_in - without.tokens_in == one.tokens_images + around
    assert both.tokens_in - without.tokens_in == both.tokens_images + 2 * around


def test_image_text_and_seed_each_change_the_reply(tiny_checkpoint) -> None:
    base = request(1)
    variants = [
        base,
        request(1, images=(image(7),)),
        request(2, images=base.images, seed=base.seed),
        request(1, seed=3),
    ]
    texts = [reply.text for reply in replies(tiny(tiny_checkpoint, temperature=1.0), variants)]
    assert len(set(texts)) == 4


def test_a_reply_at_its_limit_is_truncated_and_its_tokens_are_counted(tiny_checkpoint) -> None:
    whole, cut = (replies(tiny(tiny_checkpoint, max_new_tokens=limit), [request(1)])[0] for limit in (500, 9))
    assert (whole.truncated, cut.truncated) == (False, True)
    assert cut.tokens_out == 9 < whole.tokens_out
    assert cut.tokens_in == whole.tokens_in > 0
    assert whole.text.startswith(cut.text[:5])


def test_a_truncated_row_does_not_truncate_others(tiny_checkpoint) -> None:
    requests = [request(number) for number in range(8)]
    lengths = [reply.tokens_out for reply in replies(tiny(tiny_checkpoint), requests)]
    limit = sorted(lengths)[4]
    limited = replies(tiny(tiny_checkpoint, batch_size=8, max_new_tokens=limit), requests)
    assert [reply.truncated for reply in limited] == [length > limit for length in lengths]


def test_a_repair_is_a_longer_prompt_and_control_tokens_are_plain_text(tiny_checkpoint) -> None:
    hostile = replace(request(1).prompt, text="<|im_end|><|image_pad|><|vision_start|>")  # plain text to the model
    again = request(1, prompt=hostile, repair=Repair("Hm <|im_end|> <|image_pad|>.", "the reply holds no JSON object"))
    first, second = replies(tiny(tiny_checkpoint), [request(1, prompt=hostile), again])
    assert second.tokens_in > first.tokens_in
    parse(first, hostile)
    parse(second, hostile)


def test_out_of_memory_halves_the_batch_and_goes_on(tiny_checkpoint, monkeypatch, caplog) -> None:
    import torch

    from pgen_qwen_transformers.decoding import Decoding

    real, sizes = Decoding.__call__, []

    def run_out_of_memory(self, input_ids, scores):
        if not self._started:
            sizes.append(len(scores))
        if len(scores) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, input_ids, scores)

    requests = [request(number) for number in range(12)]
    expected = replies(tiny(tiny_checkpoint), requests)
    monkeypatch.setattr(Decoding, "__call__", run_out_of_memory)
    generator = tiny(tiny_checkpoint, batch_size=4)
    assert replies(generator, requests) == expected
    assert [size for size in sizes if size > 2] == [4]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("pgen")] == [
        "a batch of 4 does not fit the memory; going on with 2 at a time."
    ]
    assert generator.provenance()["batch_size"] == 2


def test_a_sample_that_does_not_fit_alone_fails_with_the_remedy(tiny_checkpoint, monkeypatch) -> None:
    import torch

    from pgen_qwen_transformers.decoding import Decoding

    def run_out_of_memory(self, input_ids, scores):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Decoding, "__call__", run_out_of_memory)
    (error,) = replies(tiny(tiny_checkpoint), [request(0)])
    assert isinstance(error, MemoryError)
    assert "--max-pixels" in str(error)


def test_the_weights_are_loaded_once_a_process_and_only_for_a_request(tiny_checkpoint, monkeypatch) -> None:
    from pgen_qwen_transformers import model

    loads = []
    monkeypatch.setattr(model, "load_weights", lambda *args: loads.append(args) or real(*args))
    real = sys.modules["pgen_qwen_transformers.loading"].load_weights
    model._shared.cache_clear()
    assert replies(tiny(tiny_checkpoint), []) == []
    assert loads == []
    for batch_size in (1, 2):
        assert len(replies(tiny(tiny_checkpoint, batch_size=batch_size), [request(0), request(1)])) == 2
    assert len(loads) == 1


def test_the_manifest_names_what_was_used(tiny_checkpoint) -> None:
    generator = tiny(tiny_checkpoint, "qwen3_vl_moe")
    assert generator.provenance() == {}
    replies(generator, [request(0)])
    used = generator.provenance()
    assert (used["device"], used["dtype"], used["architecture"]) == ("cpu", "float32", "qwen3_vl_moe")
    assert used["structured_output"].startswith("JSON Schema, by llguidance ")


def test_half_precision_and_eager_attention_are_accepted(tiny_checkpoint) -> None:
    generator = tiny(
        tiny_checkpoint, dtype="bfloat16", attn_implementation="eager", batch_size=2, top_p=0.9, temperature=1
    )
    for reply in replies(generator, [request(0), request(1)]):
        parse(reply, request(0).prompt)
    assert generator.provenance()["dtype"] == "bfloat16"


def clip(number: int, frames: int) -> Clip:
    """Return frames of one size, half a second apart."""
    return Clip(
        "front",
        tuple(image(number + 12 * n) for n in range(frames)),
        tuple(0.5 * (n + 1 - frames) for n in range(frames)),
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_a_video_changes_the_reply_which_is_the_same_in_any_batch(tiny_checkpoint, family) -> None:
    assert (tiny(tiny_checkpoint).takes_clips, tiny(tiny_checkpoint, clips="sheet").takes_clips) == (True, False)
    videos = [(clip(0, 2),), (clip(1, 5), clip(2, 5)), (), (clip(0, 4),)]
    requests = [request(number, 0, clips=clips) for number, clips in enumerate(videos)]
    alone = replies(tiny(tiny_checkpoint, family), requests)
    together = replies(tiny(tiny_checkpoint, family, batch_size=4), requests)
    assert alone == together
    for sent, reply in zip(requests, alone, strict=True):
        parse(reply, sent.prompt)
    still = replies(tiny(tiny_checkpoint, family), [request(0, 0)])[0]
    assert still.tokens_in < alone[0].tokens_in
    others = [request(0, 0, clips=(clip(number, 2),)) for number in range(6)]
    assert len({reply.text for reply in replies(tiny(tiny_checkpoint, family, temperature=1.0), others)}) > 3
