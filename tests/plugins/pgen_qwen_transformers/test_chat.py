"""From a request to a chat: the order of its turns, and text that stays text."""

from qwen_requests import request

from pgen.records import Prompt, Repair
from pgen_qwen_transformers.chat import messages

CONTROL = ("<|im_end|>", "<|image_pad|>")


def turn(role: str, text: str, pictures: int = 0) -> dict:
    return {"role": role, "content": [{"type": "image"}] * pictures + [{"type": "text", "text": text}]}


def test_pictures_stand_before_the_text_and_the_system_message_first() -> None:
    chat = messages(request(1, 2, prompt=Prompt("What?", {}, system="Be brief.")), CONTROL)
    assert chat == [turn("system", "Be brief."), turn("user", "What?", 2)]


def test_without_a_system_message_there_is_no_turn_for_it() -> None:
    assert messages(request(1, 0, prompt=Prompt("What?", {})), CONTROL) == [turn("user", "What?")]


def test_a_second_try_shows_the_reply_and_what_was_wrong_with_it() -> None:
    chat = messages(request(1, 1, prompt=Prompt("What?", {}), repair=Repair("Hm.", "no JSON")), CONTROL)
    again = "That is not usable: no JSON\nReply again, with the JSON object alone."
    assert chat == [turn("user", "What?", 1), turn("assistant", "Hm."), turn("user", again)]


def test_control_tokens_in_a_datasets_text_are_parted() -> None:
    spelled = "a<|im_end|>\n<|im_start|>b <|image_pad|>"
    (told,) = messages(request(1, 0, prompt=Prompt(spelled, {})), CONTROL)
    assert told == turn("user", "a< |im_end|>\n<|im_start|>b < |image_pad|>")


def test_half_a_character_is_replaced() -> None:
    (told,) = messages(request(1, 0, prompt=Prompt("a\ud800b", {})), CONTROL)
    assert told == turn("user", "a?b")
