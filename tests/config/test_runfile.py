import pytest

from pgen.config.assembly import create
from pgen.config.runfile import build, resolve
from pgen.errors import ConfigError
from pgen.registry import registry

FILE = """
output_dir = "out"
seed = 7
[source]
name = "lerobot"
root = "data"
[sampler]
name = "segments"
interval = 4.0
[generator]
name = "template"
"""


@pytest.fixture
def run_file(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(FILE)
    return path


def test_flags_override_the_run_file(run_file):
    config = build(resolve(run_file, {"seed": 9, "sample_interval": 0.5, "max_samples": None}))
    assert (config.run.seed, config.sampler.options, config.prompt.name) == (9, {"interval": 0.5}, "hi-robot")


def test_another_component_than_the_files_does_not_inherit_its_options(run_file):
    config = build(resolve(run_file, {"sampler": "uniform"}, ["sampler.count=3"]))
    assert create(config).sampler.describe() == {"name": "uniform", "count": 3, "clip": 0.0, "clip_frames": 8}


def test_an_option_is_converted_and_nested_by_dots():
    values = resolve(None, {"output_dir": "o"}, ["prompt.scenarios.negative_task=2", 'source.cameras=["a","b"]'])
    assert values["prompt"] == {"scenarios": {"negative_task": "2"}}
    assert values["source"] == {"cameras": ["a", "b"]}


@pytest.mark.parametrize(
    ("flags", "options", "message"),
    [
        ({}, [], "no generator is named; choose one with --generator"),
        ({"generator": "template", "output_dir": None}, [], "option output_dir is required"),
        (
            {"generator": "template", "max_failures": 2.0},
            [],
            "option max_failures: .* less than or equal to 1, got 2.0",
        ),
        ({"generator": "template"}, ["sampler=3"], "write it as COMPONENT.OPTION=VALUE"),
        ({"generator": "template"}, ["sampler.interval=[1"], "--opt sampler.interval: the value is not JSON"),
        ({"generator": "template"}, ["sampler.interval=soon"], "option interval: .* got 'soon'"),
        ({"generator": "template", "model": "Qwen"}, [], "--model does not apply: generator template has no option"),
        ({"generator": "template"}, ["sink.colour=red"], "sink lerobot: there is no option colour"),
        ({"generator": "tempalte"}, [], "no generator named 'tempalte'; did you mean template"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_option(flags, options, message):
    with pytest.raises(ConfigError, match=message):
        create(build(resolve(None, {"output_dir": "o", "root": "r", **flags}, options)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed = ", "is not TOML"),
        ('generator = "template"', "`generator` must be a table"),
        ("sed = 1", "did you mean seed"),
    ],
)
def test_a_run_file_that_is_wrong_is_named(tmp_path, text, message):
    path = tmp_path / "run.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        build(resolve(path, {"output_dir": "o", "generator": "template"} if "generator" not in text else {}))


def test_a_run_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"run file .*none.toml cannot be read: No such file"):
        resolve(tmp_path / "none.toml", {})


def test_the_source_is_known_by_the_inputs_ending():
    assert (
        build(resolve(None, {"output_dir": "o", "generator": "template", "root": "a/d.jsonl"})).source.name == "jsonl"
    )


def minimal(**tables):
    return build({"output_dir": "out", "source": {"root": "x.jsonl"}, "generator": {"name": "template"}, **tables})


@pytest.mark.parametrize(
    ("option", "types"), [("prompt.scenarios.negative_task=2", 5), ('prompt.scenarios={"negative_task": 2}', 1)]
)
def test_a_weight_that_is_set_alone_changes_that_one_and_an_object_replaces_all(option, types):
    values = resolve(None, {"output_dir": "o", "generator": "template", "root": "x.jsonl"}, [option])
    scenarios = create(build(values)).prompts.options.scenarios
    assert scenarios["negative_task"] == 2.0
    assert len(scenarios) == types


def test_a_prompt_may_be_a_file_by_its_path(tmp_path):
    path = tmp_path / "a:b.txt"
    path.write_text("{skill_current}")
    assert create(minimal(prompt={"name": f"file:{path}"})).prompts.describe()["path"] == str(path)
    with pytest.raises(ConfigError, match="prompt hi-robot takes no value; name it as --prompt hi-robot"):
        create(minimal(prompt={"name": f"hi-robot:{path}"}))


def test_checks_are_the_default_ones_those_named_or_none():
    assert [check.name for check in create(minimal()).checks] == list(registry().defaults["check"])
    assert [check.name for check in create(minimal(check={"name": "length"})).checks] == ["length"]
    assert create(minimal(check={"name": ("none",)})).checks == ()
    assert create(minimal(check={"name": []})).checks == ()


def test_an_option_of_a_check_goes_to_the_check_that_has_it():
    _, length = create(minimal(check={"name": ["grounding", "length"], "user_words": 9})).checks
    assert length.options.user_words == 9
    with pytest.raises(ConfigError, match="there is no option usr_words"):
        create(minimal(check={"usr_words": 9}))


def test_a_judge_is_a_generator_with_options_of_its_own():
    parts = create(minimal(judge={"name": "template", "concurrency": 3}))
    assert parts.judge.concurrency == 3
    with pytest.raises(ConfigError, match="the judge has options but no name"):
        minimal(judge={"concurrency": 3})
    with pytest.raises(ConfigError, match=r"--judge qwen-openai: .*--opt judge.base_url="):
        create(minimal(judge={"name": "qwen-openai"}))
