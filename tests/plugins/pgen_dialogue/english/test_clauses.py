import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen_dialogue.english.clauses import clauses, plain_words
from pgen_dialogue.english.noun_phrases import noun_phrase, object_after
from pgen_dialogue.english.speech_acts import promise_verbs, request_verb


def test_a_text_is_split_into_clauses_with_contractions_written_out():
    first, second, third = clauses("Don't lift it yet, I’ll do that. Would you?")
    assert (first.text, first.words) == ("Don't lift it yet", ("do", "not", "lift", "it", "yet"))
    assert (second.text, second.plain) == ("I’ll do that", "i will do that")
    assert (third.question, third.sentence, first.question) == (True, 1, False)


@given(st.text(max_size=300))
def test_any_text_has_clauses_that_are_parts_of_it(text):
    for clause in clauses(text):
        assert clause.text in text
        assert clause.words


def test_a_long_text_is_cut():
    assert len(plain_words("ab " * 10_000)) < 400


@pytest.mark.parametrize(
    ("text", "start", "words"),
    [
        ("the red can", 0, ("red", "can")),
        ("the milk can wait", 0, ("milk",)),
        ("take one of those ginger biscuits", 1, ("ginger", "biscuits")),
        ("the left bin please", 0, ("left", "bin")),
        ("keep the shelf empty", 1, ("shelf",)),
        ("the green one", 0, ("green", "one")),
    ],
)
def test_a_noun_phrase_has_no_determiners(text, start, words):
    assert noun_phrase(tuple(text.split()), start).words == words


def test_a_verb_s_object_follows_its_particles_and_persons():
    assert object_after(("get", "me", "the", "cup"), 0).words == ("cup",)
    assert object_after(("pick", "it", "up"), 0).pronoun == "it"


def test_verbs_of_requests_and_promises_follow_usual_phrases():
    assert request_verb(clauses("Could you please lift it")[0].words) == 3
    assert request_verb(clauses("Now lift it")[0].words) == 1
    assert promise_verbs(clauses("I'm going to lift it")[0])[-1] == 4
    assert promise_verbs(clauses("Okay, lifting it")[1]) == (0,)
    assert promise_verbs(clauses("I will not lift it")[0]) == ()
