"""All checks, on dialogues that are labelled by hand and on any text."""

import runpy
from pathlib import Path

import pytest
from hypothesis import given, settings
from prompt_samples import labels, sample, samples

from pgen.components import Context
from pgen.inference.checking import RunChecks, checked
from pgen.records import Annotation, Dialogue, Failure, Plan
from pgen_dialogue import pgen_checks

BENCHMARK = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "checks.py"))
CHECKS = [check() for check in pgen_checks()]


def test_the_labelled_set_has_200_dialogues_of_which_many_are_good():
    cases = [case for scene in BENCHMARK["scenes"]() for case in scene]
    assert len(cases) == 200
    assert sum(not case.codes for case in cases) >= 80


@pytest.mark.parametrize(
    ("name", "precision", "recall"),
    [
        ("grounding", 0.98, 0.9),
        ("meta-words", 0.98, 0.95),
        ("label-copy", 0.98, 0.85),
        ("length", 1.0, 1.0),
        ("language", 0.98, 0.95),
        ("duplicates", 0.98, 0.85),
    ],
)
def test_on_the_labelled_set_a_check_is_as_good_as_the_docs_say(name, precision, recall):
    right, wrong, missed = BENCHMARK["scores"]()[name]
    assert right / (right + wrong) >= precision
    assert right / (right + missed) >= recall


def test_on_the_held_out_dialogues_a_check_has_at_most_one_false_finding():
    for right, wrong, _ in BENCHMARK["scores"](BENCHMARK["HELD_OUT"]).values():
        assert wrong <= 1 <= right


@settings(max_examples=100, deadline=None)
@given(samples, labels, labels)
def test_no_text_of_a_dataset_or_model_makes_a_check_fail(one, user, robot):
    annotation = Annotation(one, Plan(), Dialogue(user, robot))
    for language in ("en", "ja"):
        checked(annotation, CHECKS, Context(language))
    RunChecks(CHECKS, "en", 10).checked(annotation)


def test_a_sample_that_failed_is_not_checked():
    failed = Annotation(sample("pick up the cup"), Plan(), Failure("refused", "no"))
    assert RunChecks(CHECKS, "en", 1).checked(checked(failed, CHECKS, Context())) == failed
