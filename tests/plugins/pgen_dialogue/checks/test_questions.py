"""Questions that lead to a skill, and questions that lead to none."""

import pytest

from pgen_dialogue.checks.questions import leads_nowhere
from pgen_dialogue.english.clauses import clauses


@pytest.mark.parametrize(
    "text",
    [
        "Do you like vanilla?",
        "Should I wait outside?",
        "Is that the jar from Vera?",
        "Is it Celsius or Fahrenheit?",
        "How long have you been a robot?",
        "Have you got children?",
    ],
)
def test_a_question_about_the_robot_the_speaker_or_a_fact_leads_nowhere(text):
    assert leads_nowhere(clauses(text))


@pytest.mark.parametrize(
    "text",
    [
        "Could you open the oven?",
        "Where is the sponge?",
        "Is it heavy?",
        "Have you got it?",
        "It sounds flat, doesn't it?",
        "Is that dust on the shelf?",
        "How do I get the wood in if it's closed?",
    ],
)
def test_a_request_or_a_question_about_the_state_of_things_may_lead_to_a_skill(text):
    assert not leads_nowhere(clauses(text))
