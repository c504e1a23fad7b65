"""The choice of tokens: the grammar, the draw, and the independence of rows."""

import json

import pytest
from moment_requests import shortened
from tiny_qwen_config import LOGITS

from pgen.errors import ConfigError
from pgen.formats.schemas import Validator
from pgen.inference.replies import reply_schema

SCHEMA = {
    "type": "object",
    "properties": {"said": {"type": "string", "maxLength": 8}, "kind": {"enum": ["a", "b"]}},
    "required": ["said", "kind"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def tokenizer(tiny_checkpoint):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_checkpoint("qwen3_vl"))


@pytest.fixture(scope="module")
def grammars(tokenizer):
    from pgen_qwen_transformers.decoding import Grammars

    return Grammars(tokenizer, LOGITS, stops(tokenizer))


def stops(tokenizer) -> list[int]:
    return [tokenizer.convert_tokens_to_ids(token) for token in ("<|im_end|>", "<|endoftext|>")]


def decode(
    grammars, tokenizer, seeds: list[int], temperature: float = 1.0, schema=SCHEMA, steps: int = 120
) -> list[str]:
    """Decode rows whose logits are noise that depends only on the step."""
    import torch

    from pgen_qwen_transformers.decoding import Decoding

    choose = Decoding(grammars.rows([schema] * len(seeds)), seeds, temperature, 1.0, lambda: False)
    noise = torch.Generator().manual_seed(0)
    tokens = torch.zeros((len(seeds), 1), dtype=torch.long)
    for _ in range(steps):
        logits = torch.randn((1, LOGITS), generator=noise).repeat(len(seeds), 1)
        tokens = torch.cat([tokens, choose(tokens, logits).argmax(-1, keepdim=True)], dim=1)
    return [tokenizer.decode(row[1:].tolist(), skip_special_tokens=True) for row in tokens]


def test_noise_becomes_json_of_the_schema(grammars, tokenizer) -> None:
    for text in decode(grammars, tokenizer, seeds=list(range(32))):
        assert Validator(SCHEMA).first_error(json.loads(text)) is None


@pytest.mark.parametrize("numbers", [(1, 2, 3), (2, 5)])
def test_noise_becomes_a_dialogue_for_each_number_in_order(grammars, tokenizer, numbers) -> None:
    schema = reply_schema(shortened(4), numbers)
    for text in decode(grammars, tokenizer, seeds=list(range(8)), schema=schema, steps=1500):
        value = json.loads(text)
        assert Validator(schema).first_error(value) is None
        assert tuple(item["number"] for item in value["dialogues"]) == numbers


def test_a_row_does_not_depend_on_others(grammars, tokenizer) -> None:
    together = decode(grammars, tokenizer, [5, 6, 7])
    assert together == [decode(grammars, tokenizer, [seed])[0] for seed in (5, 6, 7)]
    assert len(set(together)) == 3


def test_at_temperature_zero_the_seed_changes_nothing(grammars, tokenizer) -> None:
    assert len(set(decode(grammars, tokenizer, [1, 2, 3], temperature=0))) == 1


def test_a_row_ends_with_any_stop_token_and_then_allows_only_these(grammars, tokenizer) -> None:
    rows = grammars.rows([SCHEMA])
    for token in tokenizer.encode('{"said":"hm","kind":"a"}', add_special_tokens=False):
        assert not rows.forbidden([0])[0, token]
        rows.advance([token])
    for _ in range(2):
        allowed = [place for place, forbidden in enumerate(rows.forbidden([0])[0]) if not forbidden]
        assert sorted(allowed) == sorted(stops(tokenizer))
        rows.advance([stops(tokenizer)[0]])


def test_a_choice_without_a_mask_is_that_of_the_mask(grammars, tokenizer) -> None:
    rows = grammars.rows([SCHEMA, SCHEMA])
    for token in [*tokenizer.encode('{"said":"h m","kind":"b"}', add_special_tokens=False), *stops(tokenizer)]:
        for row, forbidden in zip((1, 0), rows.forbidden([1, 0]), strict=True):
            allowed = {place for place, it in enumerate(forbidden) if not it}
            for likely in range(LOGITS):
                chosen = rows.choice(row, likely)
                assert chosen == (likely if likely in allowed else chosen if len(allowed) == 1 else None)
                assert chosen is None or chosen in allowed
        rows.advance([token, token])


def test_at_temperature_zero_each_row_takes_its_largest_logit_that_is_allowed(grammars, tokenizer) -> None:
    import torch

    from pgen_qwen_transformers.decoding import Decoding

    prefixes = ["", '{"said":"', '{"said":"hm', '{"said":"hm","kind":"', '{"said":"hm","kind":"a"}']
    rows = grammars.rows([SCHEMA] * len(prefixes))
    for row, prefix in enumerate(prefixes):
        rows._matchers[row].consume_tokens(tokenizer.encode(prefix, add_special_tokens=False))
    allowed = ~torch.from_numpy(rows.forbidden(range(len(prefixes))).copy())
    noise = torch.Generator().manual_seed(0)
    choose = Decoding(rows, [0] * len(prefixes), 0.0, 1.0, lambda: False)
    for share in (0.0, 0.5, 1.0):
        logits = torch.randn(allowed.shape, generator=noise)
        logits += 9 * (allowed & (torch.rand(allowed.shape, generator=noise) < share))  # often the largest of all
        expected = logits.masked_fill(~allowed, float("-inf")).argmax(-1)
        choose._started = False
        assert choose(torch.zeros((len(prefixes), 1)), logits.clone()).argmax(-1).tolist() == expected.tolist()


def test_logits_beyond_the_tokenizer_are_forbidden(grammars, tokenizer) -> None:
    forbidden = grammars.rows([SCHEMA]).forbidden([0])
    assert forbidden.shape == (1, LOGITS)
    assert forbidden[0, len(tokenizer) :].all()


def test_a_keyword_that_the_grammar_does_not_know_is_ignored(grammars) -> None:
    assert grammars.rows([{**SCHEMA, "not": {"required": ["x"]}}]).forbidden([0]).any()


def test_a_schema_without_a_reply_stops_the_run(grammars) -> None:
    with pytest.raises(ConfigError, match="the reply schema of this prompt cannot be decoded to"):
        grammars.rows([{"type": "object", "required": ["a"], "properties": {"a": {"enum": []}}}])


def test_draws_follow_the_probabilities(grammars) -> None:
    import torch

    from pgen_qwen_transformers.decoding import draw

    probabilities = torch.tensor([0.5, 0.0, 0.3, 0.2])
    scores = probabilities.log().repeat(1000, 1)
    drawn = draw(scores, torch.arange(1000) / 1000, top_p=1.0).bincount(minlength=4).tolist()
    assert drawn == pytest.approx([500, 0, 300, 200], abs=1)
    assert draw(scores, torch.arange(1000) / 1000, top_p=0.7).unique().tolist() == [0, 2]
    assert draw(scores, torch.arange(1000) / 1000, top_p=0.1).unique().tolist() == [0]
    scores = torch.full((1, LOGITS), float("-inf"))  # the largest draw takes a token that is allowed
    scores[0, :300] = torch.randn(300, generator=torch.Generator().manual_seed(1))
    assert draw(scores, torch.tensor([1 - 2**-24]), top_p=1.0).item() < 300
    assert draw(scores, torch.tensor([1.0]), top_p=1.0).item() < 300
