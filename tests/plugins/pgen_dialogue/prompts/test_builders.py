import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from altered import altered
from hypothesis import given, settings
from hypothesis import strategies as st
from prompt_samples import moments, sample, samples, seeds

from pgen.errors import ConfigError
from pgen.formats.schemas import compiled, first_error
from pgen.inference.prompting import prompt_for
from pgen.records import Plan
from pgen_dialogue import pgen_prompt_builders
from pgen_dialogue.prompts import hi_robot
from pgen_dialogue.prompts import seed as seed_prompt
from pgen_dialogue.prompts.file import PLACEHOLDERS, FilePrompt
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt, wording
from pgen_dialogue.prompts.planner import RESPONSE_TYPES, SCENARIO_TYPES
from pgen_dialogue.prompts.reply_schema import MAX_LENGTH, SAYABLE, dialogue_schema, sayable, typed_schema
from pgen_dialogue.prompts.seed import PGEN_PROMPT_TEMPLATE, SeedPrompt, construct_prompt

ODD = "pick {task_description} {0} {{x}} %s {{ skill_current }}"
quick = settings(max_examples=40, deadline=None)
DIALOGUE, TYPED = compiled(dialogue_schema()), compiled(typed_schema())


@pytest.fixture
def written(tmp_path):
    def write(text, name="prompt.txt", **options):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return FilePrompt(path=path, **options)

    return write


@pytest.fixture(scope="module")
def builders(tmp_path_factory):
    path = tmp_path_factory.mktemp("prompts") / "prompt.j2"
    path.write_text("{{ skill_current }} {{ scenario_type }}{% for s in skill_history %}, {{ s }}{% endfor %}")
    return [SeedPrompt(), HiRobotPrompt(), FilePrompt(path=path), FilePrompt(path=path, reply="typed")]


def test_the_plugin_provides_its_three_builders():
    assert [cls.name for cls in pgen_prompt_builders()] == ["hi-robot", "seed", "file"]


@quick
@given(one=samples, seed=seeds)
def test_each_builder_accepts_its_own_example_whatever_the_sample_says(builders, one, seed):
    for builder in builders:
        check = TYPED if "scenario_type" in builder.build(one, seed).schema["properties"] else DIALOGUE
        assert first_error(check, builder.example(one, seed)) is None


@quick
@given(one=samples, seed=seeds)
def test_the_same_sample_and_seed_give_the_same_prompt(builders, one, seed):
    for builder in builders:
        assert builder.build(one, seed) == pickle.loads(pickle.dumps(builder)).build(one, seed)


def test_another_process_builds_the_same_bytes():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from prompt_samples import moments\nfrom pgen_dialogue.prompts.hi_robot import HiRobotPrompt\n"
        "from hashlib import sha256\nb = HiRobotPrompt()\n"
        "print(sha256(repr([b.build(m, i) for i, m in enumerate(moments())]).encode()).hexdigest())"
    )
    run = [sys.executable, "-c", code, str(Path(__file__).parents[3] / "support")]
    outputs = {subprocess.run(run, check=True, capture_output=True).stdout for _ in range(2)}
    assert len(outputs) == 1


def test_fingerprints_are_hashes_that_differ_between_the_builders(builders):
    prints = [builder.fingerprint() for builder in builders[:3]]
    assert len(set(prints)) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in prints)


def test_a_result_names_the_version_of_the_wording_which_is_no_option():
    for builder in (SeedPrompt(), HiRobotPrompt()):
        assert re.fullmatch(r"\d+", builder.describe()["version"])
        assert "version" not in builder.identity()


def test_the_seed_prompt_names_task_history_and_next_skill_once():
    text = construct_prompt(sample("lift the cup", ["open the door", "go in"], task="bring the cup"))
    assert text == SeedPrompt().build(sample("lift the cup", ["open the door", "go in"], task="bring the cup"), 1).text
    assert [text.count(part) for part in ("lift the cup", "(1) open the door; (2) go in", "bring the cup")] == [1, 1, 1]
    assert '{"user_prompt": "...", "robot_utterance": "..."}' in text


def test_an_empty_history_reads_as_none_yet():
    assert "in order: none yet\n" in construct_prompt(sample("lift the cup"))


def test_the_seed_template_has_its_three_fields_and_survives_plain_formatting():
    text = PGEN_PROMPT_TEMPLATE.format(task_description="T", skill_history="H", skill_current="C")
    assert json.loads(text.splitlines()[-1]) == {"user_prompt": "...", "robot_utterance": "..."}


@pytest.mark.parametrize("builder", [SeedPrompt(), HiRobotPrompt()], ids=["seed", "hi-robot"])
def test_text_from_the_dataset_is_inserted_literally_and_once(builder):
    text = builder.build(sample(ODD, task="{skill_current}"), 1).text
    assert text.count(ODD) == 1
    assert text.count("{skill_current}") == 1


@pytest.mark.parametrize("name", ["a.txt", "a.j2"])
def test_a_file_inserts_text_literally_too(written, name):
    template = "<{skill_current}>" if name == "a.txt" else "<{{ skill_current }}>"
    assert written(template, name).build(sample(ODD), 1).text == f"<{ODD}>"


def test_hi_robot_tells_what_is_planned_what_comes_later_and_the_planned_types_only():
    one = sample("lift the cup", ["open the door"], ["wave"], task="bring the cup")
    for seed in range(30):
        prompt = HiRobotPrompt().build(one, seed)
        planned = prompt.plan
        assert "(1) open the door" in prompt.text
        assert "Afterwards: (1) wave" in prompt.text
        assert wording()["scenarios"][planned.scenario_type]["text"] in prompt.text
        assert all(example in prompt.text for example in wording()["responses"][planned.response_type]["examples"])
        assert [name for name in SCENARIO_TYPES if name in prompt.text] == [planned.scenario_type]
        assert json.loads(prompt.text.splitlines()[-1])["response_type"] == planned.response_type


def test_hi_robot_names_what_may_be_ruled_out_only_where_something_is():
    one = sample("pick up red brick", ["place pink brick in bin"], ["place red brick in box"])
    negative, other = HiRobotPrompt(scenarios={"negative_task": 1}), HiRobotPrompt(scenarios={"constraint_based": 1})
    assert "nothing other than this: the pink brick" in negative.build(one, 1).text
    assert "nothing other than" not in other.build(one, 1).text


def test_hi_robot_says_the_same_system_message_to_every_sample():
    assert len({HiRobotPrompt().build(one, 1).system for one in moments()}) == 1


def test_every_type_has_a_definition_and_two_examples_from_different_places():
    for kind, names in (("scenarios", SCENARIO_TYPES), ("responses", RESPONSE_TYPES)):
        assert set(wording()[kind]) == set(names)
        for entry in wording()[kind].values():
            assert len({example.split(",")[0].split(":")[0] for example in entry["examples"]}) == 2


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("Pick it up.", True),
        (" a ", True),
        ("拿起杯子", True),
        ('say "hi"', True),
        ("", False),
        ("   ", False),
        ("a | b", False),
        ("a\nb", False),
        ("a\tb", False),
        ("a\x85b", False),
        ("a\u2028b", False),
        ("x" * MAX_LENGTH, True),
        ("x" * (MAX_LENGTH + 1), False),
    ],
)
def test_the_schema_takes_one_line_without_bars_and_control_characters(text, accepted):
    assert DIALOGUE.is_valid({"user_prompt": text, "robot_utterance": "Okay."}) is accepted
    assert DIALOGUE.is_valid({"user_prompt": "Go.", "robot_utterance": text}) is accepted


def test_the_pattern_uses_nothing_that_a_grammar_library_lacks():
    assert not re.search(r"\(\?|\\Z|\\z|\\b|\\[1-9]", SAYABLE)


def test_the_typed_schema_wants_both_types_by_their_names_and_nothing_else():
    good = {
        "user_prompt": "Go.",
        "robot_utterance": "Ok.",
        "scenario_type": "negative_task",
        "response_type": "confirmation",
    }
    assert TYPED.is_valid(good)
    assert not TYPED.is_valid(good | {"scenario_type": "joke"})
    assert not TYPED.is_valid(good | {"more": 1})
    assert not TYPED.is_valid({key: value for key, value in good.items() if key != "response_type"})


@quick
@given(st.text(max_size=700), st.integers(20, 300))
def test_what_is_made_sayable_fits_the_schema_or_is_empty(text, limit):
    said = sayable(text, limit)
    assert len(said) <= limit
    assert not said or re.search(SAYABLE, said)


@pytest.mark.parametrize("name", ["a.txt", "a.jinja"])
def test_a_file_may_use_every_placeholder(written, name):
    braces = "{{{{ {} }}}}" if name == "a.jinja" else "{{{}}}"
    builder = written("\n".join(braces.format(placeholder) for placeholder in PLACEHOLDERS), name)
    one = sample("lift", ["go"], ["put"], "task", timestamp=None, cameras=("a", "b"))
    lines = builder.build(one, 3).text.splitlines()
    assert lines[0] == "task"
    assert lines[2] == "lift"
    assert lines[5] == "unknown"
    assert lines[7:] == list(HiRobotPlan(one))


def HiRobotPlan(one):  # noqa: N802
    planned = HiRobotPrompt().build(one, 3).plan
    return planned.scenario_type, planned.response_type


def test_a_file_plans_only_the_types_it_mentions(written):
    assert written("{skill_current}").build(sample("lift"), 1).plan == Plan()
    planned = written("{skill_current} {response_type}").build(sample("lift"), 1).plan
    assert planned.scenario_type is None
    assert planned.response_type in RESPONSE_TYPES


@pytest.mark.parametrize(("reply", "schema"), [("dialogue", dialogue_schema()), ("typed", typed_schema())])
def test_a_file_asks_for_the_reply_the_user_chose(written, reply, schema):
    assert written("{skill_current}", reply=reply).build(sample("lift"), 1).schema == schema


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "{skill_current} {mood}", "has the unknown placeholder mood; the known ones are task_description"),
        ("a.txt", "{skill_current.__class__}", "has the placeholder {skill_current.__class__}, but only plain names"),
        ("a.txt", "{skill_current[0]}", "but only plain names"),
        ("a.txt", "{skill_current} {}", "but only plain names"),
        ("a.txt", "{skill_current!r:>9}", "has a placeholder with a format after its name"),
        ("a.txt", '{"user_prompt": {skill_current}}', "a literal brace is written twice"),
        ("a.txt", "{skill_current", "is not a valid template"),
        ("a.txt", "Say something.", "never mentions skill_current"),
        ("a.j2", "{{ skill_current }} {{ mood }}", "has the unknown placeholder mood"),
        ("a.j2", "{{ skill_current ", "is not a valid Jinja template"),
        ("a.j2", "{{ skill_current.__class__ }}", "cannot be filled"),
        ("a.j2", "{{ skill_current }}{% include 'x' %}", "cannot be filled"),
        ("a.j2", "{{ [skill_current] | random }}", "is not a valid Jinja template"),
        ("a.j2", "{{ skill_current }}{{ lipsum() }}", "has the unknown placeholder lipsum"),
    ],
)
def test_a_wrong_template_is_refused_before_the_run_in_one_sentence(written, name, text, said):
    with pytest.raises(ConfigError) as caught:
        written(text, name).open()
    assert said in str(caught.value)
    assert str(caught.value).endswith(".")


def test_a_missing_file_and_a_binary_one_are_refused(tmp_path):
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe{skill_current}")
    with pytest.raises(ConfigError, match=r"there is no file .*gone\.txt"):
        FilePrompt(path=tmp_path / "gone.txt").open()
    with pytest.raises(ConfigError, match="cannot be read as UTF-8 text"):
        FilePrompt(path=tmp_path / "binary.txt").open()
    with pytest.raises(ConfigError, match="cannot be read as UTF-8 text"):
        FilePrompt(path=tmp_path).open()


def test_a_file_is_read_once(written):
    builder = written("{skill_current}")
    builder.open()
    builder.options.path.unlink()
    assert builder.build(sample("lift"), 1).text == "lift"


def test_a_file_that_moves_is_the_same_prompt_and_one_that_changes_is_not(written):
    one, moved, changed = (
        written("{skill_current}", "a.txt"),
        written("{skill_current}", "b.txt"),
        written("{skill_current}!", "c.txt"),
    )
    assert (one.identity(), one.fingerprint()) == (moved.identity(), moved.fingerprint())
    assert one.fingerprint() != changed.fingerprint()


def test_the_path_is_required():
    with pytest.raises(ConfigError, match="option path is required"):
        FilePrompt()


@quick
@given(one=samples, seed=seeds)
def test_no_prompt_speaks_of_pictures_where_none_is_shown(one, seed):
    blind = altered(one, images=(), cameras=(), clip=(), skill="go", history=(), future=())
    blind = altered(blind, task="tidy up")
    for builder in (SeedPrompt(), HiRobotPrompt()):
        prompt = prompt_for(builder, blind, seed, "en")
        text = f"{prompt.system}\n{prompt.text}"
        claims = ["You see", "images of the scene", "what the images show", "visible", "once for each camera"]
        assert not [claim for claim in claims if claim in text]
        assert "You are shown no picture of the scene" in text


def test_where_pictures_are_shown_the_prompts_say_so():
    """Else the test above would see nothing."""
    seen = altered(sample("go"), images=("a.jpg",), cameras=("a",))
    assert "images of the scene" in prompt_for(SeedPrompt(), seen, 0, "en").text
    assert "You see the scene as it is now" in prompt_for(HiRobotPrompt(), seen, 0, "en").system
    assert "no picture" not in prompt_for(HiRobotPrompt(), seen, 0, "en").text


def test_every_passage_about_pictures_stands_in_the_wording():
    assert all(passage in wording()["system"] for passage in hi_robot.SEEN)
    assert all(passage in PGEN_PROMPT_TEMPLATE for passage in seed_prompt.SEEN)


def test_a_user_s_template_says_that_no_picture_is_shown(written):
    prompt = prompt_for(written("Lead to {skill_current}."), altered(sample("go"), images=()), 0, "en")
    assert prompt.text.startswith("Lead to go.\n\nYou are shown no picture")
