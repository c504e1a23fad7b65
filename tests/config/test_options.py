"""The options of a run that have forms of their own, and what their error messages name."""

import pytest

from pgen.config.runfile import build
from pgen.errors import ConfigError
from pgen.labels import DEFAULT_WEIGHTS, Labelling


def options(**values):
    return build({"output_dir": "out", "source": {"name": "fake"}, "generator": {"name": "fake"}, **values}).run


@pytest.mark.parametrize(
    ("value", "scopes"),
    [
        ("step=4,phase=3", {"step": 4.0, "phase": 3.0}),
        (" step = 0.5 , standing=0", {"step": 0.5, "standing": 0.0}),
        ({"episode": 1}, {"episode": 1.0}),
        ({"step": "2"}, {"step": 2.0}),
    ],
)
def test_weights_of_scopes_are_a_text_or_a_table(value, scopes):
    assert options(scopes=value).scopes == scopes


def test_by_default_a_policy_gets_all_scopes_each_in_three_wordings_if_the_prompt_asks_for_a_moment():
    assert options().scopes == DEFAULT_WEIGHTS == {"episode": 2, "phase": 3, "step": 4, "standing": 1}
    assert options().variants is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("steps=1", "option scopes: there is no scope 'steps'; there are episode, phase, step, standing"),
        ("", "there is no scope ''"),
        ("step=4,", "there is no scope ''"),
        ("step", "step needs one weight, as in step=4,phase=3"),
        ("step=", "step needs one weight"),
        ("step=1,step=2", "step needs one weight"),
        ("step=x", "option scopes.step: Input should be a valid number"),
        ("step=4;phase=2", "option scopes.step: Input should be a valid number"),
        ("step=-1", "each weight is a number from 0 up, and one is above 0"),
        ("step=0", "each weight is a number from 0 up, and one is above 0"),
        ("step=inf", "option scopes.step: Input should be a finite number"),
        ("step=nan", "option scopes.step: Input should be a finite number"),
        ({}, "one is above 0"),
        ({"chapter": 1}, "Input should be 'episode', 'phase', 'step' or 'standing', got 'chapter'"),
    ],
)
def test_weights_that_are_none_are_refused(value, message):
    with pytest.raises(ConfigError) as raised:
        options(scopes=value)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"), [("silence", 1.1), ("silence", -0.1), ("speech", "twice"), ("variants", 0), ("variants", 101)]
)
def test_other_values_are_refused_with_the_option_named(name, value):
    with pytest.raises(ConfigError, match=f"option {name}: "):
        options(**{name: value})


def test_the_labelling_of_a_result_is_that_of_its_run():
    run = options(scopes="step=1,phase=2", speech="once", silence=0.25, seed=7)
    assert Labelling.of_run(run.model_dump(mode="json")) == Labelling({"step": 1, "phase": 2}, "once", 0.25, 7)
