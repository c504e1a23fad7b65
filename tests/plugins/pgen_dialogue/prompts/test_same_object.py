import pytest

from pgen_dialogue.prompts.same_object import content, may_be_same


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("the brick", "the red lego brick", True),
        ("the pink lego brick", "the red lego brick", False),
        ("the drawer", "the drawer handle", True),
        ("Cups", "a cup", True),
        ("the left bin", "the right bin", False),
    ],
)
def test_an_object_may_be_another_by_a_shorter_name(first, second, same):
    assert may_be_same(first, second) == may_be_same(second, first) == same


def test_words_that_tell_no_objects_apart_are_left_out():
    assert content("The bits of bread, and a knife") == {"bit", "bread", "knife"}
