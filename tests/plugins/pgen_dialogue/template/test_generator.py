import asyncio
import json

import pytest
from hypothesis import given, settings
from prompt_samples import BRICKS, sample, samples, seeds
from template_dialogues import replies_for, reply_for

from pgen.errors import ConfigError
from pgen.records import Plan, Prompt, Request
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES, fitting_responses, fitting_scenarios
from pgen_dialogue.prompts.reply_schema import dialogue_schema
from pgen_dialogue.template.generator import TemplateGenerator

PINK = sample("robot arm picks up pink lego brick", task="pink lego brick into the transparent box")


def test_it_has_no_model_costs_nothing_and_takes_many_requests_at_once():
    generator = TemplateGenerator()
    reply = asyncio.run(generator.generate(Request((PINK,), Prompt("", dialogue_schema()), (), 1)))
    assert (generator.model, generator.concurrency, reply.tokens_in, reply.tokens_out) == (None, 64, 0, 0)
    assert set(json.loads(reply.text)) == {"user_prompt", "robot_utterance"}


def test_no_option_is_part_of_its_identity():
    assert TemplateGenerator(concurrency=2).identity() == {"name": "template"}
    with pytest.raises(ConfigError, match="asides"):
        TemplateGenerator(asides=0.5)


@settings(max_examples=40, deadline=None)
@given(samples, seeds)
def test_a_reply_depends_on_the_request_alone_and_types_left_open_fit(one, seed):
    reply = reply_for(one, seed)
    assert reply == reply_for(one, seed)
    assert reply["scenario_type"] in fitting_scenarios(one)
    assert reply["response_type"] in fitting_responses(reply["scenario_type"], one)


@pytest.mark.parametrize("response", RESPONSE_TYPES)
def test_a_planned_type_is_kept_beside_one_that_is_left_open(response):
    assert reply_for(BRICKS, 1, Plan(None, response))["response_type"] == response


def test_a_shorter_limit_of_the_schema_is_kept():
    schema = dialogue_schema()
    schema["properties"] = {name: text | {"maxLength": 20} for name, text in schema["properties"].items()}
    assert all(len(text) <= 20 for text in reply_for(PINK, 1, schema=schema).values())


@pytest.mark.parametrize("scenario", SCENARIO_TYPES)
def test_every_scenario_type_is_requested_in_several_ways(scenario):
    assert len({reply["user_prompt"] for reply in replies_for(100, BRICKS, scenario)}) >= 3


def test_a_request_names_the_skill_but_not_the_robot():
    requests = [reply["user_prompt"] for reply in replies_for(60, PINK, "specific_object")]
    assert all("the pink lego brick" in text for text in requests)
    assert not any("robot arm" in text or "picks" in text for text in requests)
