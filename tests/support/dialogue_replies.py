"""Replies with a dialogue, and what is parsed of a text."""

import json

from pgen.errors import SampleError
from pgen.inference.parsing import parse
from pgen.records import Dialogue, Prompt, Reply
from pgen_dialogue.prompts.reply_schema import dialogue_schema, typed_schema

FITTING = {
    "user_prompt": "Could you grab me something sweet?",
    "robot_utterance": "Sure, I can pick up the KitKat.",
    "scenario_type": "implicit_request",
    "response_type": "confirmation",
}
JSON = json.dumps(FITTING)
OTHER = JSON.replace("sweet", "salty")
DIALOGUE = Dialogue(**FITTING)
PROMPT = Prompt("", typed_schema())
PLAIN = Prompt("", dialogue_schema())


def reading(text, prompt=PROMPT):
    """The dialogue, or the stage and the reason."""
    try:
        return parse(Reply(text), prompt)
    except SampleError as error:
        return error.stage, error.reason


def with_value(value, field="user_prompt"):
    return JSON.replace(json.dumps(FITTING[field]), value)
