import asyncio
import itertools
import json
import re
from random import Random

import pytest
from altered import altered
from hypothesis import given, settings
from prompt_samples import moments, sample, samples, seeds

from pgen.components import Context, Generator
from pgen.errors import ConfigError
from pgen.formats.schemas import compiled, first_error
from pgen.inference.checking import examined
from pgen.records import Annotation, Dialogue, Plan, Prompt, Request
from pgen.seeds import derive, sample_key
from pgen_dialogue import pgen_checks, pgen_generators
from pgen_dialogue.checks.words import content
from pgen_dialogue.english import read
from pgen_dialogue.prompts.file import FilePrompt
from pgen_dialogue.prompts.grounding_facts import ruled_out
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES, fitting_responses, fitting_scenarios
from pgen_dialogue.prompts.reply_schema import dialogue_schema, typed_schema
from pgen_dialogue.prompts.seed import SeedPrompt
from pgen_dialogue.template.asides import asides
from pgen_dialogue.template.facts import facts_of
from pgen_dialogue.template.generator import TemplateGenerator, dialogue, reply_to
from pgen_dialogue.template.phrasebook import compose, load, names_in, phrases, words

PINK = sample("robot arm picks up pink lego brick", task="pink lego brick into the transparent box")
quick = settings(max_examples=40, deadline=None)
SCHEMAS = [dialogue_schema(), typed_schema()]
CHECKS = [compiled(schema) for schema in SCHEMAS]


def asked(one, seed, plan=None, schema=SCHEMAS[1], asides=0.0):
    return reply_to(Request(one, Prompt("", schema, plan=plan or Plan()), (), seed), asides)


def said(count, one, scenario, response="acknowledgment"):
    plan = Plan(scenario, response)
    return [asked(one, derive(0, seed), plan) for seed in range(count)]


def conversation(count, asides=0.0):
    """Dialogues for `count` moments of realistic episodes, as a run with the default prompts makes them."""
    everyone = [altered(one, frame_index=one.moment.frame_index + again) for again in range(9) for one in moments()]
    chosen = sorted(everyone, key=sample_key)[:count]
    keyed = [(one, derive(0, sample_key(one))) for one in chosen]
    return [(one, asked(one, seed, HiRobotPrompt().build(one, seed).plan, asides=asides)) for one, seed in keyed]


def bigrams(texts):
    for text in texts:
        words = re.findall(r"[a-z0-9'-]+", text.lower())
        yield from itertools.pairwise(words)


def test_the_plugin_provides_the_generator():
    assert list(pgen_generators()) == [TemplateGenerator]
    assert issubclass(TemplateGenerator, Generator)


def test_it_has_no_model_costs_nothing_and_takes_many_requests_at_once():
    generator = TemplateGenerator()
    reply = asyncio.run(generator.generate(Request(PINK, Prompt("", SCHEMAS[0]), (), 1)))
    assert (generator.model, generator.concurrency, reply.tokens_in, reply.tokens_out) == (None, 64, 0, 0)
    assert set(json.loads(reply.text)) == {"user_prompt", "robot_utterance"}


def test_how_many_at_once_never_changes_a_reply():
    assert TemplateGenerator(concurrency=2).identity() == TemplateGenerator().identity()


@quick
@given(samples, seeds)
def test_a_reply_fits_every_builders_schema_whatever_the_text_says(one, seed):
    for schema, check in zip(SCHEMAS, CHECKS, strict=True):
        reply = asked(one, seed, schema=schema)
        assert first_error(check, reply) is None
        json.dumps(reply, ensure_ascii=False).encode()


@quick
@given(one=samples, seed=seeds)
def test_a_reply_fits_what_each_builder_asks_for(tmp_path_factory, one, seed):
    path = tmp_path_factory.getbasetemp() / "prompt.txt"
    path.write_text("{skill_current} {response_type}")
    for builder in (SeedPrompt(), HiRobotPrompt(), FilePrompt(path=path), FilePrompt(path=path, reply="typed")):
        prompt = builder.build(one, seed)
        reply = reply_to(Request(one, prompt, (), seed))
        assert first_error(CHECKS["scenario_type" in prompt.schema["properties"]], reply) is None
        for name in ("scenario_type", "response_type"):
            if (wanted := getattr(prompt.plan, name)) and name in reply:
                assert reply[name] == wanted


@quick
@given(samples, seeds)
def test_the_same_request_gets_the_same_reply(one, seed):
    assert asked(one, seed) == asked(one, seed)


@quick
@given(samples, seeds)
def test_types_left_open_are_chosen_so_that_they_fit(one, seed):
    reply = asked(one, seed)
    assert reply["scenario_type"] in fitting_scenarios(one)
    assert reply["response_type"] in fitting_responses(reply["scenario_type"])


def test_a_shorter_limit_of_the_schema_is_kept():
    schema = dialogue_schema()
    schema["properties"] = {name: text | {"maxLength": 20} for name, text in schema["properties"].items()}
    assert all(len(text) <= 20 for text in asked(PINK, 1, schema=schema).values())


def test_the_robots_own_name_is_not_spoken():
    requests = [reply["user_prompt"] for reply in said(200, PINK, "specific_object")]
    assert any(
        re.search(r"([Cc]ould|[Cc]an) you (please )?(pick up|grab|take|get|fetch) the pink lego brick", request)
        for request in requests
    )
    assert not any("robot arm" in request or "picks" in request for request in requests)


def test_a_confirmation_mostly_says_what_is_done():
    answers = [reply["robot_utterance"] for reply in said(200, PINK, "specific_object", "confirmation")]
    assert any(re.match(r"[A-Z][a-z ,]+, picking", answer) for answer in answers)
    done = r"(pick|grab|tak|gett?|fetch)(ing|e)? (hold of )?(up )?(the pink lego brick|it)( up)?"
    assert sum(bool(re.search(done, answer)) for answer in answers) > 90


def test_a_robot_leaves_the_deed_unsaid_only_where_the_person_has_named_it():
    for reply in said(200, sample("retreat upwards"), "implicit_request"):
        named = re.search("retreat", reply["user_prompt"], re.IGNORECASE)
        assert named or re.search("retreat", reply["robot_utterance"], re.IGNORECASE), reply


@pytest.mark.parametrize("scenario", SCENARIO_TYPES)
def test_every_scenario_is_asked_for_in_many_ways(scenario):
    one = sample("pick up red brick", ["place pink brick in bin"], ["place red brick in box"])
    assert len({reply["user_prompt"] for reply in said(60, one, scenario)}) > 30


@pytest.mark.parametrize("response", RESPONSE_TYPES)
def test_every_response_is_given_in_many_ways(response):
    one = sample("pick up red brick", ["place pink brick in bin"], ["place red brick in box"])
    scenario = next(name for name in SCENARIO_TYPES if response in fitting_responses(name))
    assert len({reply["robot_utterance"] for reply in said(60, one, scenario, response)}) > 15


def test_a_negative_forbids_what_the_robot_is_done_with_and_the_robot_repeats_it():
    one = sample("pick up red brick", ["place pink brick in bin"], ["place red brick in box"])
    for reply in said(60, one, "negative_task", "constraint_acknowledgment"):
        assert "pink brick" in reply["user_prompt"]
        assert "pink brick" in reply["robot_utterance"]
        assert "red brick" in reply["robot_utterance"]


def test_what_is_forbidden_is_always_something_that_may_be_ruled_out():
    for one in moments():
        may = ruled_out(one)
        for seed in range(5):
            facts = facts_of(one, Random(seed))
            assert facts.get("not_obj") in {None, *may.things}
            assert "not_do" not in facts or any(facts["not_do"] in deed.do for deed in may.deeds)
            assert bool(may) == ("not_obj" in facts or "not_do" in facts)


def test_a_correction_refers_to_an_earlier_step():
    one = sample("lift the cup", ["open the drawer"])
    for reply in said(60, one, "situated_correction", "error_handling"):
        said_before = (
            r"open|step|so far|where you stop|too early|too soon|more|forgot|finished|done|keep at it|don't stop|fast"
        )
        assert re.search(said_before, reply["user_prompt"].lower()), reply
        assert re.search("lift|rais", reply["user_prompt"], re.IGNORECASE)


def test_an_implicit_request_names_the_thing_and_not_the_deed():
    for name in (
        "pick up the cup",
        "carry the block to the goal",
        "fold the towel",
        "wipe the table",
        "open the drawer",
    ):
        one = sample(name)
        verb, thing = read(name).verb, read(name).objects[0]
        for reply in said(40, one, "implicit_request"):
            request = reply["user_prompt"].lower()
            assert thing in request
            assert not re.search(rf"\b{verb}", request), request


def test_a_constraint_that_is_acknowledged_is_repeated():
    one = sample("lift the cup", ["open the drawer"])
    for seed in range(80):
        plan = Plan("constraint_based", "constraint_acknowledgment")
        care = facts_of(one, Random(derive(derive(0, seed), "phrases")))["care"]
        assert all(care in said.lower() for said in dialogue(one, plan, derive(0, seed)))


def test_a_clarification_still_says_what_is_done():
    for reply in said(60, sample("lift the cup"), "implicit_request", "clarification"):
        assert re.search(r"lift(ing)? (it|the cup)|the cup", reply["robot_utterance"])


def test_a_label_that_cannot_be_read_is_quoted_whole():
    reply = asked(sample("拿起杯子"), 3)
    assert "拿起杯子" in reply["user_prompt"]
    assert "拿起杯子" in reply["robot_utterance"]


@pytest.mark.parametrize("name", ["", "|", "\n\n", "...", "\x00"])
def test_a_label_that_says_nothing_still_gets_a_dialogue(name):
    assert "next step" in asked(sample(name), 3)["user_prompt"]


@pytest.mark.parametrize("name", ["pick up {do} and [a|b]", "pick up the {0}"])
def test_a_label_is_never_read_as_a_phrase(name):
    wanted = name.partition("pick up ")[2].replace("|", "/")
    assert wanted in asked(sample(name), 1, Plan("specific_object", "acknowledgment"))["user_prompt"]


@pytest.mark.parametrize(("asides", "wanted"), [(0, 0.3), (1, 0.5)])
def test_dialogues_about_realistic_skills_are_varied(asides, wanted):
    replies = [reply for _, reply in conversation(300, asides)]
    pairs = list(bigrams(text for reply in replies for text in (reply["user_prompt"], reply["robot_utterance"])))
    assert len(set(pairs)) / len(pairs) >= wanted
    assert len({reply["user_prompt"] for reply in replies}) > 285


def test_the_same_skill_asked_about_at_several_moments_gets_different_dialogues():
    asks = {asked(PINK, derive(0, moment))["user_prompt"] for moment in range(20)}
    assert len(asks) >= 17


@pytest.mark.parametrize("asides", [0, 1])
def test_dialogues_read_as_plain_english(asides):
    for _, reply in conversation(600, asides):
        for text in (reply["user_prompt"], reply["robot_utterance"]):
            assert re.fullmatch(r"[A-Z].*[.?]", text), text
            assert not re.search(r"  |[.?!,;:] ?[.,;:?]|\b(\w+) \1\b|\ba [aeio]|[.?] [a-z]|[{}\[\]|]", text), text
            assert not re.search(r"\b(image|frame|json|skill|robot arm)", text, re.IGNORECASE), text


def test_every_phrase_can_be_filled_by_some_sample():
    known = {
        "do",
        "doing",
        "do_it",
        "doing_it",
        "obj",
        "it",
        "them",
        "is",
        "has",
        "s",
        "dest",
        "last_doing",
        "last_done",
        "task",
    }
    known |= {"not_obj", "not_do", "not_doing", "not_done", "not_it", "not_is", "not_s", "other", "care", "label"}
    known |= {"do_so", "doing_so", "on_it"}
    known |= {name[0].upper() + name[1:] for name in known}
    for entry in texts(phrases(), load("asides"), load("words")):
        assert re.fullmatch(r"[^\[\]]*(\[[^\[\]]*\][^\[\]]*)*", entry), entry
        assert names_in(entry) <= known, entry


def texts(*books):
    """All the phrases of some books."""
    stack = [*books]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            yield entry
        else:
            stack += entry.values() if isinstance(entry, dict) else entry


def test_every_list_of_words_is_there_and_used():
    named = {
        name for entry in texts(phrases(), load("asides"), load("words")) for name in re.findall(r"<(\w+)>", entry)
    }
    assert named | {"seen"} == words().keys()


def test_what_is_said_beside_the_matter_has_no_word_of_the_scene():
    for one in moments():
        named = content(" ".join((*one.span.history, one.span.skill, *one.span.future, one.span.task)))
        for seed in range(20):
            for beside in asides(one, Random(seed)):
                assert not content(beside) & named, beside


def test_both_stay_short():
    for _, reply in conversation(400, asides=1):
        assert len(reply["user_prompt"].split()) <= 40
        assert len(reply["robot_utterance"].split()) <= 33


def test_without_asides_nothing_is_said_beside_the_matter_and_with_them_the_same_is_said_and_more():
    for (_, plain), (_, more) in zip(conversation(200), conversation(200, asides=1), strict=True):
        assert plain["user_prompt"] in more["user_prompt"]
        assert more["robot_utterance"].startswith(plain["robot_utterance"])
        assert len(more["user_prompt"] + more["robot_utterance"]) > len(plain["user_prompt"] + plain["robot_utterance"])


def test_asides_are_said_in_the_share_of_dialogues_that_is_asked_for():
    plain, some = ([reply for _, reply in conversation(600, asides)] for asides in (0, 0.3))
    assert 0.2 < sum(one != other for one, other in zip(plain, some, strict=True)) / 600 < 0.4


def test_the_share_of_asides_is_part_of_the_identity():
    assert TemplateGenerator().identity() == {"name": "template", "asides": 0.0}
    assert TemplateGenerator(asides=0.5).identity() != TemplateGenerator().identity()


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_of_asides_outside_of_0_and_1_is_refused(share):
    with pytest.raises(ConfigError, match="option asides"):
        TemplateGenerator(asides=share)


@pytest.mark.parametrize("asides", [0, 1])
def test_no_check_finds_anything_in_dialogues_about_realistic_skills(asides):
    checks = [check() for check in pgen_checks() if check.name != "duplicates"]
    for one, reply in conversation(800, asides):
        given = Annotation(one, Plan(), Dialogue(reply["user_prompt"], reply["robot_utterance"]))
        assert examined(given, checks, Context("en")).checks == (), reply


def test_a_choice_that_cannot_be_filled_is_passed_over():
    assert {compose(["[{gone}|{here}] you go"], {"here": "there"}, Random(seed)) for seed in range(9)} == {
        "There you go"
    }
    assert compose(["{gone}"], {}, Random(0)) == ""
