"""Tokens without a tokenizer: about as many as Qwen's, and equal where the texts are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen.inference.token_estimate import BLOCK, PrefixCache, request_tokens, text_tokens
from pgen.records import Prompt

REPLY = (
    '{"number":1,"user_prompt":"Could you put the pink brick into the box, please?",'
    '"robot_utterance":"Sure, I will put it into the transparent box.",'
    '"scenario_type":"specific_object","response_type":"acknowledgment"}'
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Could you put the pink brick into the box, please?", 12),
        ("1. robot arm moves towards pink lego brick\n2. robot arm picks up pink lego brick\n", 22),
        (REPLY, 50),
    ],
)
def test_the_count_is_close_to_that_of_qwen(text, count):
    """The counts are those of qwen.tiktoken, which the package dashscope contains."""
    assert len(text_tokens(text)) == pytest.approx(count, rel=0.1)


@given(st.text())
def test_the_tokens_of_a_text_are_the_text_in_parts(text):
    tokens = text_tokens(text)
    assert "".join(tokens) == text
    assert all(tokens)


def test_a_request_begins_with_what_others_share():
    prompts = [Prompt(text, {}, "You write dialogue.", "Task: tidy up") for text in ("Write one.", "Write two.")]
    first, second = (request_tokens(prompt, [(name, 90)]) for prompt, name in zip(prompts, "ab", strict=True))
    shared = next(place for place, (one, other) in enumerate(zip(first, second, strict=True)) if one != other)
    assert first[shared] == ("a", 0)
    assert [token for token in first if isinstance(token, tuple)] == [("a", place) for place in range(90)]
    assert text_tokens(prompts[0].system) == tuple(first[3 : 3 + len(text_tokens(prompts[0].system))])


def test_whole_blocks_from_the_beginning_are_cached():
    cache, tokens = PrefixCache(), [*range(3 * BLOCK + 5)]
    assert cache.cached(tokens) == 0
    assert cache.cached(tokens) == 3 * BLOCK
    assert cache.cached(tokens[: BLOCK + 3]) == BLOCK
    changed = [*tokens[: BLOCK + 1], -1, *tokens[BLOCK + 2 :]]
    assert cache.cached(changed) == BLOCK
    assert cache.cached(tokens[1:]) == 0


@given(st.lists(st.lists(st.integers(0, 1), max_size=3 * BLOCK), max_size=6))
def test_what_is_cached_is_a_beginning_of_a_former_request(requests):
    cache = PrefixCache()
    for number, tokens in enumerate(requests):
        cached = cache.cached(tokens)
        assert cached % BLOCK == 0
        former = [it[:cached] for it in requests[:number]]
        assert not cached or tokens[:cached] in former
        longer = tokens[: cached + BLOCK]
        assert len(longer) < cached + BLOCK or longer not in [it[: cached + BLOCK] for it in requests[:number]]
