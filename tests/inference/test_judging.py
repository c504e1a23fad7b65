import json
from dataclasses import replace

import pytest
from altered import altered

from pgen.errors import SampleError
from pgen.inference.conversation import as_turn
from pgen.inference.judging import SCHEMA, SCORES, JudgePrompt, parse_judgement
from pgen.inference.prompting import prompt_for
from pgen.languages import LANGUAGES, code_of
from pgen.records import Dialogue, Reply
from pgen.seeds import request_seed, sample_key, sample_seed
from pgen.testing import make_samples
from pgen_dialogue.prompts.seed import SeedPrompt

SAMPLE = make_samples()[1]
CASE = altered(SAMPLE, about=Dialogue("Take {the} brick.", "Sure."))
GOOD = dict.fromkeys(SCORES, 4) | {f"{name}_reason": "So." for name in SCORES}


def test_a_judge_is_shown_the_skill_and_the_dialogue_as_they_are():
    prompt = JudgePrompt().build(CASE, 0)
    assert "User: Take {the} brick.\nRobot: Sure." in prompt.text
    assert SAMPLE.span.skill in prompt.text
    assert list(prompt.schema["properties"])[:2] == ["grounding_reason", "grounding"]


def test_a_judge_is_not_told_that_it_sees_what_is_not_shown():
    seen, blind = (JudgePrompt().build(altered(CASE, images=images), 0).system for images in (("a.jpg",), ()))
    assert "You see the scene" in seen
    assert blind == seen.replace(" You see the scene as it is at that moment, once for each camera.", "")


def test_a_reply_becomes_a_judgement():
    judgement = parse_judgement(Reply(f"Here it is: {json.dumps(GOOD)}"), JudgePrompt().build(CASE, 0))
    assert (judgement.grounding, judgement.naturalness_reason) == (4, "So.")


@pytest.mark.parametrize(
    ("reply", "stage"),
    [
        (Reply("{}"), "schema"),
        (Reply("none"), "parse"),
        (Reply(json.dumps(GOOD)[:-1], truncated=True), "truncated"),
        (Reply(json.dumps({**GOOD, "grounding": 6})), "schema"),
        (Reply(json.dumps({**GOOD, "grounding": 2.5})), "schema"),
        (Reply(json.dumps(GOOD) + json.dumps({**GOOD, "grounding": 1})), "schema"),
    ],
)
def test_a_reply_that_is_no_judgement_says_why(reply, stage):
    with pytest.raises(SampleError) as caught:
        parse_judgement(reply, replace(JudgePrompt().build(CASE, 0), schema=SCHEMA))
    assert caught.value.stage == stage


def test_what_is_new_in_a_sample_changes_its_key_and_what_is_unsaid_does_not():
    turn = as_turn(SAMPLE, ())
    others = [altered(SAMPLE, variant=1), turn, CASE, altered(CASE, problem="no")]
    assert len({sample_key(one) for one in [SAMPLE, *others]}) == 5
    assert {sample_seed(3, one) for one in others} == {sample_seed(3, SAMPLE)}
    assert request_seed(9, SAMPLE) == request_seed(9, turn) == 9
    assert len({request_seed(9, one) for one in (SAMPLE, others[0], others[3])}) == 3


def test_the_key_of_a_plain_sample_is_what_it_always_was():
    assert sample_key(SAMPLE) == "c983fdc6a5eec443865b38d8b5b02fc3"


@pytest.mark.parametrize("language", [*LANGUAGES, "german", " French ", "ZH"])
def test_a_language_is_known_by_its_code_or_name(language):
    code = code_of(language)
    text = prompt_for(SeedPrompt(), SAMPLE, 0, code).text
    assert (f"in {LANGUAGES[code]}" in text) == (code != "en")
