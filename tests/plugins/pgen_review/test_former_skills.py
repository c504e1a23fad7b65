"""Which former skills a text names."""

import pytest

from pgen.records import Dialogue
from pgen_review.former_skills import named


@pytest.mark.parametrize(
    ("user", "robot", "expected"),
    [
        ("Now lift it, please.", "Sure.", ["lift the cup"]),
        ("Go on.", "I'm lifting it.", ["lift the cup"]),
        ("The cup!", "Here it is.", ["lift the cup"]),
        ("Raise the mug.", "Up it goes.", []),
        ("Please go on.", "All right.", []),
        ("Und jetzt: LIFT THE CUP", "Ja.", ["lift the cup"]),
    ],
)
def test_a_text_with_a_word_that_only_the_former_skill_has_names_it(user, robot, expected):
    assert named(Dialogue(user, robot), ["lift the cup"], ["raise the mug"]) == expected


def test_a_name_without_latin_letters_is_found_as_a_whole():
    assert named(Dialogue("拿起杯子吧", "好的"), ["拿起杯子"], ["放下杯子"]) == ["拿起杯子"]
    assert named(Dialogue("好", "好的"), ["拿起杯子"], ["放下杯子"]) == []
