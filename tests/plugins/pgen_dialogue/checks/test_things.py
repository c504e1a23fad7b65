"""Nouns are compared by meaning."""

import pytest
from hypothesis import given
from hypothesis.strategies import sampled_from

from pgen_dialogue.checks import things

WORDS = sorted(things._KINDS)


@given(sampled_from(WORDS), sampled_from(WORDS))
def test_two_nouns_are_distinct_in_either_order_and_never_if_they_may_name_one_thing(first, second):
    assert things.distinct(first, second) == things.distinct(second, first)
    assert not (things.distinct(first, second) and things.related(first, second))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("apple", "pear", True),
        ("apple", "hammer", True),
        ("courgette", "zucchini", False),
        ("fruit", "apple", False),
        ("box", "cereal", False),  # what the cereal is in
        ("coffee", "mug", False),
        ("whatsit", "apple", False),  # not known
    ],
)
def test_a_thing_is_no_other_of_its_kind_but_may_be_named_by_its_kind_or_container(first, second, expected):
    assert things.distinct(first, second) is expected


@pytest.mark.parametrize(
    ("phrase", "expected"),
    [("milk carton", "milk"), ("carton", "carton"), ("strawberry ice cream", "strawberry"), ("green thingamajig", "")],
)
def test_a_noun_phrase_is_known_by_its_last_noun_that_is_no_container(phrase, expected):
    assert things.identity(tuple(phrase.split())) == expected


def test_things_of_one_noun_differ_by_what_they_are_for():
    assert things.differ_in_kind(("cat", "bowl"), ("dog", "bowl"))
    assert not things.differ_in_kind(("big", "bowl"), ("dog", "bowl"))


@pytest.mark.parametrize(
    ("word", "expected"), [("knives", "knife"), ("shoes", "shoe"), ("atlas", "atlas"), ("cacti", "cactus")]
)
def test_a_plural_has_its_singular(word, expected):
    assert things.singular(word) == expected
