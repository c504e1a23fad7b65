"""The tokens that a server with a prefix cache computes for a dialogue: of the default run, and of the former form."""

import sys
from pathlib import Path

import pytest
from rendered_example import write_example

TOP = Path(__file__).parents[2]
sys.path.insert(0, str(TOP / "benchmarks"))

import tokens  # noqa: E402


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return tokens.sources([write_example(tmp_path_factory.mktemp("tokens") / "demo")])


@pytest.fixture(scope="module", params=tokens.MODELS)
def counts(request, demo):
    return {name: tokens.count(form, demo, tokens.MODELS[request.param]) for name, form in tokens.FORMS.items()}


def test_the_default_run_computes_at_most_half_of_the_former_tokens_of_a_dialogue(counts):
    assert counts["default"].per_dialogue <= 0.5 * counts["former, each second"].per_dialogue
    assert counts["--turns episode"].per_dialogue <= 0.5 * counts["former, each second"].per_dialogue


def test_three_dialogues_of_a_moment_cost_at_most_1_3_times_one(counts):
    three, one = counts["step, three"], counts["step, one"]
    assert (three.dialogues, three.requests) == (3 * one.dialogues, one.requests)
    assert three.per_request <= 1.3 * one.per_request
    assert counts["default"].per_request <= 1.3 * counts["--variants 1"].per_request


def test_the_parts_add_up_and_images_are_computed_once_in_a_moment(counts):
    for it in counts.values():
        assert 0 < sum(it.parts) == it.computed <= it.tokens
    assert counts["step, three"].parts[2] == counts["step, one"].parts[2]
    assert counts["former, each second"].parts[2] / counts["former, each second"].requests == pytest.approx(
        counts["default"].parts[2] / counts["default"].requests, rel=0.01
    )


def test_the_table_of_the_demo_shows_both_models_and_their_ratios(monkeypatch):
    monkeypatch.setattr(tokens, "write_example", write_example)
    lines = [*tokens.lines(tiny=True)]
    assert sum(line.startswith(tuple(tokens.MODELS)) for line in lines) == 2
    assert sum(line.startswith("a dialogue of the default run to a former one: 0.") for line in lines) == 2
