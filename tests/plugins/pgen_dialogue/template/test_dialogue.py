import itertools
import re

import pytest
from altered import altered
from hypothesis import given, settings
from prompt_samples import BRICKS, sample, samples, seeds
from template_dialogues import all_dialogues, dialogues, replies_for, reply_for

from pgen.components import Context
from pgen.inference.checking import checked
from pgen.records import Annotation, Dialogue, Plan
from pgen_dialogue import pgen_checks
from pgen_dialogue.english import read
from pgen_dialogue.prompts.grounding_facts import failed_skill
from pgen_dialogue.template.dialogue import MOST_WORDS

CUP = sample("lift the cup", ["open the drawer"])
GROCERIES = (
    "unpack the groceries",
    ["pick up the milk", "put the milk in the left bin", "pick up the bread", "put the bread in the right bin"],
)
RETRY = sample("grasp the cup", ["move to the cup", "grasp the cup"])


def texts(reply):
    return reply["user_prompt"], reply["robot_utterance"]


def test_dialogues_read_as_plain_english_in_which_no_check_finds_a_defect():
    checks = [check() for check in pgen_checks() if check.name != "duplicates"]
    for one, plan, reply in all_dialogues(running=True):
        for text in texts(reply):
            assert re.fullmatch(r"\S.*[.?]", text), text
            assert text[0] == text[0].upper()
            assert not re.search(r"  |[.?!,;:] ?[.,;:?]|\b(\w+) \1\b|\ba [aeio]|[.?] [a-z]|[{}\[\]|]", text), text
            assert not re.search(r"\b(image|frame|json|skill|robot arm)", text, re.IGNORECASE), text
            assert 1 <= len(text.split()) <= MOST_WORDS
        assert checked(Annotation(one, plan, Dialogue(*texts(reply))), checks, Context("en")).checks == (), reply


@settings(max_examples=100, deadline=None)
@given(samples, seeds)
def test_texts_have_at_most_25_words_whatever_the_labels_are(one, seed):
    for scope in ("step", "phase", "episode", "standing"):
        for text in texts(reply_for(altered(one, scope=scope), seed)):
            assert 1 <= len(text.split()) <= MOST_WORDS


def test_the_wordings_of_a_dialogue_differ():
    for seed in range(3):
        replies = dialogues(*GROCERIES, seed=seed)
        grouped = itertools.groupby(replies, lambda it: (it[0].moment.frame_index, it[0].question.scope))
        for _, wordings in grouped:
            prompts = [reply["user_prompt"] for _, _, reply in wordings]
            assert len(set(prompts)) == len(prompts)


def test_another_run_says_other_things():
    first, second = ([reply for _, _, reply in dialogues(*GROCERIES, seed=seed)] for seed in (0, 1))
    assert sum(a == b for a, b in zip(first, second, strict=True)) < len(first) / 4


def test_nobody_speaks_of_a_mistake_unless_the_labels_show_one():
    failing = re.compile(r"sorry|mistake|fail|wrong|didn't|try", re.IGNORECASE)
    for one, plan, reply in all_dialogues():
        if plan.response_type != "error_handling" and not failed_skill(one.span):
            assert not failing.search(" ".join(texts(reply))), reply


def test_after_a_failure_the_user_says_so_and_the_robot_tries_again():
    for reply in replies_for(40, RETRY, "situated_correction", "error_handling"):
        assert re.search(r"work|wrong|failed|try", reply["user_prompt"]), reply
        assert re.search(r"sorry|You're right|mistake", reply["robot_utterance"], re.IGNORECASE), reply


def test_what_is_absent_is_asked_for_and_declined_beside_the_skill():
    for reply in replies_for(40, CUP, "specific_object", "error_handling", absent="the scissors"):
        assert "the scissors" in reply["user_prompt"]
        assert re.search(r"(can't|don't) (see|find) the scissors", reply["robot_utterance"])
        assert re.search(r"lift|rais|pick(ing)? up", reply["user_prompt"])
        assert "lift" in reply["robot_utterance"]


def test_an_exclusion_is_forbidden_and_the_robot_repeats_it():
    for reply in replies_for(60, BRICKS, "negative_task", "constraint_acknowledgment", excluded="the pink brick"):
        assert all("pink brick" in text.lower() for text in texts(reply))
        assert all("red lego brick" in text for text in texts(reply))


def test_beside_another_object_that_of_the_skill_is_named():
    one = sample("put it on the shelf", ["pick up the train", "put it in the box", "pick up the bear"])
    for plan in ({"excluded": "the train"}, {"absent": "the tape"}):
        for reply in replies_for(20, one, "negative_task" if "excluded" in plan else "specific_object", **plan):
            assert "put the bear on the shelf" in reply["user_prompt"].lower().replace("putting", "put")


def test_a_standing_constraint_asks_for_no_skill():
    named = altered(BRICKS, scope="standing")
    for reply in replies_for(40, named, "negative_task", "constraint_acknowledgment", excluded="the pink brick"):
        assert all("pink brick" in text.lower() for text in texts(reply))
        assert not any("red" in text for text in texts(reply))
    for reply in replies_for(40, named, "negative_task", "constraint_acknowledgment", excluded=""):
        assert not any("brick" in text for text in texts(reply))


def test_a_correction_names_the_skill_and_goes_on_from_the_last():
    for reply in replies_for(60, sample("grasp the cup", ["move to the cup"]), "situated_correction"):
        assert re.search("grasp|grab|hold", reply["user_prompt"], re.IGNORECASE), reply
        assert re.search("enough|closer|stop|do|all|good|fine", reply["user_prompt"], re.IGNORECASE), reply


@pytest.mark.parametrize("skill", ["pick up the cup", "put the cup on the tray", "wipe the table", "open the drawer"])
def test_an_implicit_request_names_the_object_and_not_the_action(skill):
    phrase = read(skill)
    for reply in replies_for(40, sample(skill), "implicit_request"):
        request = reply["user_prompt"].lower()
        assert phrase.objects[0] in request
        assert not re.search(rf"\b{phrase.verb}", request), request


def test_a_clarification_says_what_is_done_and_asks_nothing_that_was_named():
    for reply in replies_for(60, sample("pick up the cup"), "implicit_request", "clarification"):
        assert "pick it up" in reply["robot_utterance"]
        assert "cup" not in reply["robot_utterance"]


def test_a_constraint_selects_the_object_or_the_place():
    milk, bin_, *_ = (one for one, _, _ in dialogues(*GROCERIES, variants=1) if one.question.scope == "step")
    for reply in replies_for(40, milk, "constraint_based", "constraint_acknowledgment"):
        assert "the milk" in reply["user_prompt"].lower()
        assert re.search("bread", reply["user_prompt"], re.IGNORECASE), reply
    for reply in replies_for(40, bin_, "constraint_based", "constraint_acknowledgment"):
        assert all("the left bin" in text.lower() for text in texts(reply))


def test_a_skill_in_progress_is_gone_on_with():
    for reply in replies_for(40, altered(CUP, running=3.0), "specific_object"):
        assert re.search(r"on\b|keep|stop|fine|right|yet", reply["user_prompt"], re.IGNORECASE), reply


@pytest.mark.parametrize(
    ("kind", "user", "robot"),
    [
        ("wait", "wait|stop|hold|anything|where you are", "wait|stop|hold"),
        ("ask", "one|thing", "which|mean"),
        ("decline", "the ", "can't|don't"),
        ("other", "grasp|grab|hold", "grasp"),
    ],
)
def test_a_counterfactual_leads_to_its_target_or_to_nothing(kind, user, robot):
    one = altered(CUP, counterfactual=kind, target="grasp the bowl" if kind == "other" else None)
    for seed in range(40):
        reply = reply_for(one, seed)
        assert re.search(user, reply["user_prompt"], re.IGNORECASE), reply
        assert re.search(robot, reply["robot_utterance"], re.IGNORECASE), reply
        assert "lift" not in " ".join(texts(reply))


@pytest.mark.parametrize("skill", ["wait", "idle", "robot waits", "hold still"])
def test_to_wait_is_asked_for_in_words(skill):
    for reply in replies_for(20, sample(skill), "specific_object"):
        assert re.search("wait|hold", " ".join(texts(reply)).lower()), reply


def test_the_gripper_is_the_robots_own():
    prompts = []
    for reply in replies_for(20, sample("lower the gripper around the can"), "specific_object"):
        prompts.append(reply["user_prompt"])
        assert "the gripper" not in prompts[-1]
        assert "my gripper" in reply["robot_utterance"]
    assert any("your gripper" in prompt for prompt in prompts)


def test_people_speak_of_the_robots_hand_in_other_words_than_labels():
    for name, others in (("close the gripper on the can", "grab|tak|grip"), ("open the gripper", "let|releas")):
        prompts = [reply["user_prompt"] for reply in replies_for(40, sample(name), "specific_object")]
        assert any(re.search(rf"\b({others})", prompt) and "gripper" not in prompt for prompt in prompts)


def test_the_robot_speaks_of_another_thing_only_where_the_user_does():
    milk = sample(
        "pick up the milk", future=["put the milk in the bin", "pick up the bread", "put the bread in the bin"]
    )
    for reply in replies_for(60, milk, "constraint_based", "constraint_acknowledgment"):
        if "bread" in reply["robot_utterance"].lower():
            assert "bread" in reply["user_prompt"].lower(), reply


def test_a_label_that_cannot_be_read_is_quoted():
    reply = reply_for(sample("拿起杯子"), 3, Plan("specific_object", "confirmation"))
    assert "拿起杯子" in reply["user_prompt"]


@pytest.mark.parametrize("name", ["", "|", "\n\n", "...", "\x00"])
def test_a_label_without_words_still_gets_a_dialogue(name):
    assert "next step" in reply_for(sample(name), 3)["user_prompt"].lower()


@pytest.mark.parametrize("name", ["pick up {do} and [a|b]", "pick up the {0}"])
def test_a_label_is_never_read_as_a_phrase(name):
    text = name.partition("pick up ")[2].replace("|", "/")
    plan = Plan("specific_object", "acknowledgment")
    assert any(text in reply_for(sample(name), seed, plan)["user_prompt"] for seed in range(5))
