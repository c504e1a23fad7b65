import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pgen.formats.schemas import Validator
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH, SAYABLE, dialogue_schema, sayable, typed_schema

DIALOGUE, TYPED = Validator(dialogue_schema()), Validator(typed_schema())


@pytest.mark.parametrize("text", ["Pick it up.", " a ", "拿起杯子", 'say "hi"', "x" * MAX_LENGTH])
def test_the_schema_accepts_one_line_of_text(text):
    assert DIALOGUE.first_error({"user_prompt": text, "robot_utterance": text}) is None


@pytest.mark.parametrize("text", ["", "   ", "a | b", "a\nb", "a\tb", "a\x85b", "a\u2028b", "x" * (MAX_LENGTH + 1)])
def test_the_schema_rejects_bars_control_characters_and_what_is_blank_or_too_long(text):
    assert DIALOGUE.first_error({"user_prompt": text, "robot_utterance": "Okay."})
    assert DIALOGUE.first_error({"user_prompt": "Go.", "robot_utterance": text})


def test_the_pattern_uses_nothing_that_a_grammar_library_lacks():
    assert not re.search(r"\(\?|\\Z|\\z|\\b|\\[1-9]", SAYABLE)


def test_the_typed_schema_requires_both_types_by_their_names_and_nothing_else():
    texts = {"user_prompt": "Go.", "robot_utterance": "Ok."}
    types = {"scenario_type": "negative_task", "response_type": "confirmation"}
    assert TYPED.first_error(texts | types) is None
    assert TYPED.first_error(texts | types | {"scenario_type": "joke"})
    assert TYPED.first_error(texts | types | {"more": 1})
    assert TYPED.first_error(texts | {"scenario_type": "negative_task"})


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=700), st.integers(20, 300))
def test_sayable_text_fits_the_schema_or_is_empty(text, limit):
    result = sayable(text, limit)
    assert len(result) <= limit
    assert not result or re.search(SAYABLE, result)
