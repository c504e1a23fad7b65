"""What all prompt builders of the plugin promise."""

import json
import pickle
import re

import pytest
from altered import altered
from hypothesis import given, settings
from prompt_samples import sample, samples, seeds

from pgen.formats.schemas import Validator
from pgen.inference.prompting import prompt_for
from pgen.records import Request
from pgen_dialogue import pgen_generators, pgen_prompt_builders
from pgen_dialogue.prompts.file import FilePrompt
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.prompts.reply_schema import dialogue_schema, typed_schema
from pgen_dialogue.prompts.seed import SeedPrompt
from pgen_dialogue.template.generator import TemplateGenerator, reply_to

ODD = "pick {task_description} {0} {{x}} %s {{ skill_current }}"
quick = settings(max_examples=40, deadline=None)
SCHEMAS = {"dialogue": Validator(dialogue_schema()), "typed": Validator(typed_schema())}


@pytest.fixture(scope="module")
def builders(tmp_path_factory):
    path = tmp_path_factory.mktemp("prompts") / "prompt.j2"
    path.write_text("{{ skill_current }} {{ scenario_type }}{% for s in skill_history %}, {{ s }}{% endfor %}")
    return [SeedPrompt(), HiRobotPrompt(), FilePrompt(path=path), FilePrompt(path=path, reply="typed")]


def test_the_plugin_provides_its_components():
    assert [cls.name for cls in pgen_prompt_builders()] == ["hi-robot", "seed", "file"]
    assert list(pgen_generators()) == [TemplateGenerator]


@quick
@given(one=samples, seed=seeds)
def test_examples_and_the_replies_of_template_fit_what_each_builder_asks_for(builders, one, seed):
    for builder in builders:
        prompt = builder.build(one, seed)
        schema = SCHEMAS["typed" if "scenario_type" in prompt.schema["properties"] else "dialogue"]
        reply = reply_to(Request((one,), prompt, (), seed))
        assert schema.first_error(builder.example(one, seed)) is None
        assert schema.first_error(reply) is None
        assert json.dumps(reply, ensure_ascii=False).encode()
        for name in ("scenario_type", "response_type"):
            planned = getattr(prompt.plans[0], name)
            assert planned is None or reply.get(name, planned) == planned


@quick
@given(one=samples, seed=seeds)
def test_the_same_sample_and_seed_give_the_same_prompt(builders, one, seed):
    for builder in builders:
        assert builder.build(one, seed) == pickle.loads(pickle.dumps(builder)).build(one, seed)


def test_fingerprints_differ_between_the_builders_and_versions_are_no_option(builders):
    fingerprints = {builder.fingerprint() for builder in builders[:3]}
    assert len(fingerprints) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in fingerprints)
    for builder in builders[:2]:
        assert re.fullmatch(r"\d+", builder.describe()["version"])
        assert "version" not in builder.identity()


@pytest.mark.parametrize("builder", [SeedPrompt(), HiRobotPrompt()], ids=["seed", "hi-robot"])
def test_text_from_the_dataset_is_inserted_literally_and_once(builder):
    prompt = builder.build(sample(ODD, task="{skill_current}"), 1)
    text = prompt.context or prompt.text
    assert text.count(ODD) == 1
    assert text.count("{skill_current}") == 1
    assert ODD in prompt.text


@quick
@given(one=samples, seed=seeds)
def test_no_prompt_mentions_images_if_none_is_shown(builders, one, seed):
    blind = altered(
        one, images=(), cameras=(), clip=(), skill="go", skill_index=0, history=(), future=(), task="tidy up"
    )
    claims = ["You see", "images of the scene", "what the images show", "visible, in", "once for each camera"]
    for builder in builders:
        prompt = prompt_for(builder, (blind,), seed, "en", several=False)
        text = f"{prompt.system}\n{prompt.context}\n{prompt.text}"
        assert not [claim for claim in claims if claim in text]
        assert "You are shown no picture of the scene" in text


def test_prompts_mention_images_if_some_are_shown():
    assert "images of the scene" in prompt_for(SeedPrompt(), (sample("go"),), 0, "en", several=False).text
    prompt = prompt_for(HiRobotPrompt(), (sample("go"),), 0, "en", several=True)
    assert "Then you see the scene at one moment" in prompt.system
    assert "no picture" not in prompt.text
