import runpy
from pathlib import Path

import pytest
from altered import altered
from hypothesis import given, settings
from prompt_samples import labels, moments, sample, samples

from pgen.components import Context
from pgen.inference.checking import Overview, examined
from pgen.records import Annotation, Dialogue, Failure, Plan, Request
from pgen.seeds import derive, sample_key
from pgen_dialogue import pgen_checks
from pgen_dialogue.checks.duplicates import Duplicates, similarity
from pgen_dialogue.checks.grounding import Grounding
from pgen_dialogue.checks.language import Language
from pgen_dialogue.checks.wording import Length
from pgen_dialogue.prompts.hi_robot import HiRobotPrompt
from pgen_dialogue.template.generator import reply_to

BENCHMARK = runpy.run_path(str(Path(__file__).parents[4] / "benchmarks" / "checks.py"))
FLOORS = {
    "grounding": (0.98, 0.9),
    "meta-words": (0.98, 0.95),
    "label-copy": (0.98, 0.85),
    "length": (1.0, 1.0),
    "language": (0.98, 0.95),
    "duplicates": (0.98, 0.85),
}
CHECKS = [check() for check in pgen_checks()]


def test_the_labelled_set_has_200_dialogues_of_which_many_are_good():
    cases = [case for scene in BENCHMARK["scenes"]() for case in scene]
    assert len(cases) == 200
    assert sum(not case.codes for case in cases) >= 80


@pytest.mark.parametrize("name", [check.name for check in CHECKS])
def test_on_the_labelled_set_a_check_is_as_good_as_the_docs_say(name):
    right, wrong, missed = BENCHMARK["scores"]()[name]
    precision, recall = FLOORS[name]
    assert right / (right + wrong) >= precision
    assert right / (right + missed) >= recall


def test_on_dialogues_that_they_were_not_made_for_little_is_found_that_is_no_fault():
    for right, wrong, _ in BENCHMARK["scores"](BENCHMARK["HELD_OUT"]).values():
        assert wrong <= 1 <= right


def test_nothing_that_template_says_of_labels_it_can_read_is_found_wrong():
    for number in range(6):
        for one in moments():
            moment = altered(one, frame_index=one.moment.frame_index + number)
            seed = derive(0, sample_key(moment))
            prompt = HiRobotPrompt().build(moment, seed)
            said = Dialogue(**reply_to(Request(moment, prompt, (), seed)))
            assert examined(Annotation(moment, prompt.plan, said), CHECKS, Context()).checks == (), said


@settings(max_examples=100, deadline=None)
@given(samples, labels, labels)
def test_no_text_of_a_dataset_or_model_makes_a_check_fail(one, user, robot):
    annotation = Annotation(one, Plan(), Dialogue(user, robot))
    for language in ("en", "ja"):
        examined(annotation, CHECKS, Context(language))
    Overview(CHECKS, "en", 10).examined(annotation)


def finding(check, user, robot="Sure, picking it up.", language="en", current="pick up the cup"):
    return check.check(Annotation(sample(current), Plan(), Dialogue(user, robot)), Context(language))


def test_a_finding_names_what_is_wrong_so_that_a_model_can_mend_it():
    found = finding(Grounding(), "Never pick up the cup.")
    assert found.code == "forbids_skill"
    assert "pick up the cup" in found.reason
    assert "'Never pick up the cup'" in found.reason


def test_grounding_says_nothing_of_what_it_cannot_read():
    assert finding(Grounding(), "Heb de beker niet op.", "Ik doe het.", language="nl") is None
    assert finding(Grounding(), "Never do it.", "Sure, xyz.", current="xyz") is None


def test_how_many_words_are_too_many_is_an_option():
    assert finding(Length(user_words=2), "Take the cup.").code == "too_long"
    assert finding(Length(user_words=3), "Take the cup.") is None


def test_a_text_without_a_common_word_is_in_no_wrong_language():
    assert finding(Language(), "Cup!", "Okay.", language="fi") is None


def overview(texts, samples=1000, **options):
    view = Overview([Duplicates(**options)], "en", samples)
    for episode, text in texts:
        if episode:
            view.episode()
        annotation = Annotation(sample("pick up the cup"), Plan(), Dialogue(text, "Sure."))
        yield [found.code for found in view.examined(annotation).checks]


def test_a_request_may_come_again_in_another_episode_but_not_too_often():
    found = list(overview([(True, "Take the cup, please")] * 12, samples=500))
    assert found == [[]] * 5 + [["repeated"]] * 7
    assert list(overview([(True, "a"), (False, "A!")], samples=500)) == [[], ["near_duplicate"]]


def test_what_makes_two_requests_nearly_the_same_is_an_option():
    texts = [(True, "Could you take the red cup?"), (False, "Could you take the red cup now?")]
    assert list(overview(texts)) == [[], ["near_duplicate"]]
    assert list(overview(texts, similarity=0.95)) == [[], []]
    assert similarity("a b", "a b") == 1.0
    assert similarity("", "") == 0.0


def test_a_sample_that_failed_is_not_checked():
    failed = Annotation(sample("pick up the cup"), Plan(), Failure("refused", "no"))
    assert Overview(CHECKS, "en", 1).examined(examined(failed, CHECKS, Context())) == failed


@pytest.mark.parametrize(
    ("skill", "promise", "found"),
    [
        ("turn on the stove", "I'll turn off the stove.", True),
        ("turn on the stove", "I'll turn it on now.", False),
        ("switch off the lamp", "Switching the lamp on now.", True),
        ("turn off the stove", "I'll turn it off and carry on.", False),
        ("turn the knob on the stove", "I'll turn the stove off.", False),
        ("pull the lever down", "I'll push the lever.", True),
        ("pull the lever down", "I'll pull the lever.", False),
        ("push the box", "I'll pull the box.", True),
        ("open the gripper", "I'll let go of it.", False),
    ],
)
def test_a_robot_that_promises_the_opposite_is_noticed(skill, promise, found):
    said = Annotation(sample(skill), Plan(), Dialogue("Go on with it, please.", promise))
    finding = Grounding().check(said, Context())
    assert (finding.code if finding else None) == ("other_action" if found else None)
