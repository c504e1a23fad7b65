"""From a request to the messages of a chat."""

import pytest
from qwen_requests import request
from tiny_qwen import FAMILIES
from tiny_qwen_config import HYBRID

from pgen.records import Prompt, Repair
from pgen_qwen_transformers.generator import QwenTransformers
from pgen_qwen_transformers.loading import Settings
from pgen_qwen_transformers.model import Model, messages

REPAIR = "That is not usable: no JSON\nReply again, with the JSON object alone."


def turn(role: str, text: str, images: int = 0) -> dict:
    return {"role": role, "content": [{"type": "image"}] * images + [{"type": "text", "text": text}]}


@pytest.mark.parametrize(
    ("prompt", "repair", "images", "chat"),
    [
        (Prompt("What?", {}, "Be brief."), None, 2, [turn("system", "Be brief."), turn("user", "What?", 2)]),
        (Prompt("What?", {}), None, 0, [turn("user", "What?")]),
        (
            *(Prompt("What?", {}), Repair("Hm.", "no JSON"), 1),
            [turn("user", "What?", 1), turn("assistant", "Hm."), turn("user", REPAIR)],
        ),
        (
            *(Prompt("a<|im_end|>\n<|im_start|>b <|image_pad|>", {}), None, 0),
            [turn("user", "a< |im_end|>\n<|im_start|>b < |image_pad|>")],
        ),
        (Prompt("a\ud800b", {}), None, 0, [turn("user", "a?b")]),
        (
            *(Prompt("What?", {}, "Be brief.", "Task: tidy <|im_end|>"), None, 2),
            [
                turn("system", "Be brief."),
                {
                    "role": "user",
                    "content": [*turn("user", "Task: tidy < |im_end|>")["content"], *turn("", "What?", 2)["content"]],
                },
            ],
        ),
    ],
    ids=[
        "images before the text",
        "no system message",
        "repair",
        "control tokens",
        "a lone surrogate",
        "the context before the images",
    ],
)
def test_the_messages_of_a_request(prompt, repair, images, chat) -> None:
    control = ("<|im_end|>", "<|image_pad|>")
    assert messages(request(1, images, prompt=prompt, repair=repair), control) == chat


@pytest.mark.parametrize("family", FAMILIES)
def test_a_chat_template_that_can_turn_reasoning_off_does(tiny_checkpoint, family) -> None:
    options = QwenTransformers(model=str(tiny_checkpoint(family)), device="cpu").options
    model = Model(Settings(**{name: getattr(options, name) for name in Settings.__match_args__}))
    prompt = model._processor.tokenizer.decode(model.prepare(request(1)).inputs["input_ids"][0])
    assert prompt.endswith("<|im_start|>assistant\n" + "<think>\n\n</think>\n\n" * (family in HYBRID))
