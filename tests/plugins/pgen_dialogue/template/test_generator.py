import asyncio
import itertools
import json
import re
from random import Random

import pytest
from hypothesis import given, settings
from prompt_samples import sample, samples, seeds
from template_dialogues import conversation, replies_for, reply_for

from pgen.components import Context
from pgen.errors import ConfigError
from pgen.inference.checking import checked
from pgen.records import Annotation, Dialogue, Plan, Prompt, Request
from pgen.seeds import derive
from pgen_dialogue import pgen_checks
from pgen_dialogue.english import read
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES, fitting_responses, fitting_scenarios
from pgen_dialogue.prompts.reply_schema import dialogue_schema
from pgen_dialogue.template.facts import facts_of
from pgen_dialogue.template.generator import TemplateGenerator, dialogue

PINK = sample("robot arm picks up pink lego brick", task="pink lego brick into the transparent box")
RED = sample("pick up red brick", ["place pink brick in bin"], ["place red brick in box"])
CUP = sample("lift the cup", ["open the drawer"])


def bigrams(texts):
    for text in texts:
        yield from itertools.pairwise(re.findall(r"[a-z0-9'-]+", text.lower()))


def test_it_has_no_model_costs_nothing_and_takes_many_requests_at_once():
    generator = TemplateGenerator()
    reply = asyncio.run(generator.generate(Request(PINK, Prompt("", dialogue_schema()), (), 1)))
    assert (generator.model, generator.concurrency, reply.tokens_in, reply.tokens_out) == (None, 64, 0, 0)
    assert set(json.loads(reply.text)) == {"user_prompt", "robot_utterance"}


def test_the_share_of_asides_is_part_of_the_identity_and_the_concurrency_is_not():
    assert TemplateGenerator(concurrency=2).identity() == {"name": "template", "asides": 0.0}
    assert TemplateGenerator(asides=0.5).identity() == {"name": "template", "asides": 0.5}


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_of_asides_outside_of_0_and_1_is_refused(share):
    with pytest.raises(ConfigError, match="option asides"):
        TemplateGenerator(asides=share)


@settings(max_examples=40, deadline=None)
@given(samples, seeds)
def test_a_reply_depends_on_the_request_alone_and_types_left_open_fit(one, seed):
    reply = reply_for(one, seed)
    assert reply == reply_for(one, seed)
    assert reply["scenario_type"] in fitting_scenarios(one.span)
    assert reply["response_type"] in fitting_responses(reply["scenario_type"])


def test_a_shorter_limit_of_the_schema_is_kept():
    schema = dialogue_schema()
    schema["properties"] = {name: text | {"maxLength": 20} for name, text in schema["properties"].items()}
    assert all(len(text) <= 20 for text in reply_for(PINK, 1, schema=schema).values())


def test_a_request_names_the_skill_but_not_the_robot():
    requests = [reply["user_prompt"] for reply in replies_for(200, PINK, "specific_object")]
    request = r"([Cc]ould|[Cc]an) you (please )?(pick up|grab|take|get|fetch) the pink lego brick"
    assert any(re.search(request, text) for text in requests)
    assert not any("robot arm" in text or "picks" in text for text in requests)


def test_a_confirmation_mostly_says_what_is_done():
    answers = [reply["robot_utterance"] for reply in replies_for(200, PINK, "specific_object", "confirmation")]
    assert any(re.match(r"[A-Z][a-z ,]+, picking", answer) for answer in answers)
    done = r"(pick|grab|tak|gett?|fetch)(ing|e)? (hold of )?(up )?(the pink lego brick|it)( up)?"
    assert sum(bool(re.search(done, answer)) for answer in answers) > 90


def test_the_robot_leaves_the_action_unsaid_only_if_the_person_has_named_it():
    for reply in replies_for(200, sample("retreat upwards"), "implicit_request"):
        assert re.search("retreat", f"{reply['user_prompt']} {reply['robot_utterance']}", re.IGNORECASE), reply


@pytest.mark.parametrize("scenario", SCENARIO_TYPES)
def test_every_scenario_type_is_requested_in_many_ways(scenario):
    assert len({reply["user_prompt"] for reply in replies_for(60, RED, scenario)}) > 30


@pytest.mark.parametrize("response", RESPONSE_TYPES)
def test_every_response_type_is_given_in_many_ways(response):
    scenario = next(name for name in SCENARIO_TYPES if response in fitting_responses(name))
    assert len({reply["robot_utterance"] for reply in replies_for(60, RED, scenario, response)}) > 15


def test_an_exclusion_is_forbidden_and_the_robot_repeats_it():
    for reply in replies_for(60, RED, "negative_task", "constraint_acknowledgment"):
        assert "pink brick" in reply["user_prompt"]
        assert "pink brick" in reply["robot_utterance"]
        assert "red brick" in reply["robot_utterance"]


def test_a_correction_refers_to_an_earlier_step():
    earlier = r"open|step|so far|where you stop|too early|too soon|more|forgot|finished|done|keep at it|don't stop|fast"
    for reply in replies_for(60, CUP, "situated_correction", "error_handling"):
        assert re.search(earlier, reply["user_prompt"].lower()), reply
        assert re.search("lift|rais", reply["user_prompt"], re.IGNORECASE)


@pytest.mark.parametrize(
    "skill", ["pick up the cup", "carry the block to the goal", "fold the towel", "wipe the table", "open the drawer"]
)
def test_an_implicit_request_names_the_object_and_not_the_action(skill):
    phrase = read(skill)
    for reply in replies_for(40, sample(skill), "implicit_request"):
        request = reply["user_prompt"].lower()
        assert phrase.objects[0] in request
        assert not re.search(rf"\b{phrase.verb}", request), request


def test_a_constraint_that_is_acknowledged_is_repeated():
    for seed in range(80):
        plan = Plan("constraint_based", "constraint_acknowledgment")
        care = facts_of(CUP.span, Random(derive(derive(0, seed), "phrases")))["care"]
        assert all(care in text.lower() for text in dialogue(CUP.span, plan, derive(0, seed)))


def test_a_clarification_still_says_what_is_done():
    for reply in replies_for(60, sample("lift the cup"), "implicit_request", "clarification"):
        assert re.search(r"lift(ing)? (it|the cup)|the cup", reply["robot_utterance"])


def test_a_label_that_cannot_be_read_is_quoted_whole():
    reply = reply_for(sample("拿起杯子"), 3)
    assert "拿起杯子" in reply["user_prompt"]
    assert "拿起杯子" in reply["robot_utterance"]


@pytest.mark.parametrize("name", ["", "|", "\n\n", "...", "\x00"])
def test_a_label_without_words_still_gets_a_dialogue(name):
    assert "next step" in reply_for(sample(name), 3)["user_prompt"]


@pytest.mark.parametrize("name", ["pick up {do} and [a|b]", "pick up the {0}"])
def test_a_label_is_never_read_as_a_phrase(name):
    text = name.partition("pick up ")[2].replace("|", "/")
    assert text in reply_for(sample(name), 1, Plan("specific_object", "acknowledgment"))["user_prompt"]


@pytest.mark.parametrize(("asides", "share"), [(0, 0.3), (1, 0.5)])
def test_dialogues_about_realistic_skills_are_varied(asides, share):
    replies = [reply for _, reply in conversation(300, asides)]
    pairs = list(bigrams(text for reply in replies for text in (reply["user_prompt"], reply["robot_utterance"])))
    assert len(set(pairs)) / len(pairs) >= share
    assert len({reply["user_prompt"] for reply in replies}) > 285


def test_several_moments_of_one_skill_get_different_dialogues():
    assert len({reply_for(PINK, derive(0, moment))["user_prompt"] for moment in range(20)}) >= 17


@pytest.mark.parametrize("asides", [0, 1])
def test_dialogues_read_as_plain_english_in_which_no_check_finds_a_defect(asides):
    checks = [check() for check in pgen_checks() if check.name != "duplicates"]
    for one, reply in conversation(800, asides):
        texts = reply["user_prompt"], reply["robot_utterance"]
        for text in texts:
            assert re.fullmatch(r"[A-Z].*[.?]", text), text
            assert not re.search(r"  |[.?!,;:] ?[.,;:?]|\b(\w+) \1\b|\ba [aeio]|[.?] [a-z]|[{}\[\]|]", text), text
            assert not re.search(r"\b(image|frame|json|skill|robot arm)", text, re.IGNORECASE), text
        assert checked(Annotation(one, Plan(), Dialogue(*texts)), checks, Context("en")).checks == (), reply
