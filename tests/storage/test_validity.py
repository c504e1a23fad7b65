import pytest

from pgen.storage.validity import completed, differences
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.template.generator import TemplateGenerator
from pgen_samplers.samplers import EveryFrame


def test_differences_name_the_path_and_both_values():
    assert differences({"a": {"b": 1}, "c": 2}, {"a": {"b": 3}, "d": 4}) == [
        "a.b: 1, now 3",
        "c: 2, now None",
        "d: None, now 4",
    ]


def test_an_option_that_was_added_later_had_its_default():
    recorded = {"generator": {"name": "g", "temperature": 0.5}, "run": {"seed": 1}}
    defaults = {"generator": {"temperature": 0.0, "asides": 0.0}, "run": {"seed": 0, "language": "en"}}
    value = {"generator": {"name": "g", "temperature": 0.5, "asides": 0.0}, "run": {"seed": 1, "language": "en"}}
    assert completed(recorded, value, defaults) == value
    other = {"generator": value["generator"] | {"asides": 0.3}, "run": {"seed": 1, "language": "de"}}
    assert differences(completed(recorded, other, defaults), other) == [
        "generator.asides: 0.0, now 0.3",
        "run.language: 'en', now 'de'",
    ]


def test_an_option_without_a_default_that_an_earlier_version_did_not_record_is_accepted():
    value = {"generator": {"name": "g", "schema": [1]}, "checks": [{"name": "length", "words": 3}]}
    assert completed({"generator": {"name": "g"}}, value, {}) == value
    assert completed({"generator": {"name": "g"}, "checks": [{"name": "length"}]}, value, None) == value


def test_omitted_parts_of_an_option_are_not_filled_in():
    recorded = {"prompt": {"name": "p", "scenarios": {"negative": 1.0}}}
    value = {"prompt": {"name": "p", "scenarios": {"negative": 1.0, "implicit": 1.0}}}
    defaults = {"prompt": {"scenarios": {"negative": 1.0, "implicit": 1.0}}}
    assert completed(recorded, value, defaults) == recorded


def test_a_removed_option_or_check_is_a_difference():
    recorded = {"generator": {"name": "g", "old": 1}, "checks": [{"name": "a"}, {"name": "b"}]}
    value = {"generator": {"name": "g"}, "checks": [{"name": "a"}]}
    assert differences(completed(recorded, value, {}), value) == [
        "checks: [{'name': 'a'}, {'name': 'b'}], now [{'name': 'a'}]",
        "generator.old: 1, now None",
    ]


@pytest.mark.parametrize("component", [TemplateGenerator(), HiRobotPrompt(), EveryFrame()])
def test_the_defaults_of_a_component_are_what_its_identity_has_without_options(component):
    identity = component.identity()
    del identity["name"]
    assert identity.items() <= component.defaults().items()
