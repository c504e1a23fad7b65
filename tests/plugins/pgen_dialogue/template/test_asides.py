from random import Random

from prompt_samples import moments
from template_dialogues import conversation

from pgen_dialogue.checks.words import content
from pgen_dialogue.template.asides import asides


def test_an_aside_has_no_word_of_the_scene():
    for one in moments():
        scene = content(" ".join((*one.span.history, one.span.skill, *one.span.future, one.span.task)))
        for seed in range(20):
            assert not [text for text in asides(one.span, Random(seed)) if content(text) & scene]


def test_both_texts_stay_short():
    for _, reply in conversation(400, asides=1):
        assert len(reply["user_prompt"].split()) <= 40
        assert len(reply["robot_utterance"].split()) <= 33


def test_asides_are_added_to_the_same_dialogue():
    for (_, plain), (_, more) in zip(conversation(200), conversation(200, asides=1), strict=True):
        assert plain["user_prompt"] in more["user_prompt"]
        assert more["robot_utterance"].startswith(plain["robot_utterance"])
        assert plain != more


def test_asides_are_added_to_the_share_of_dialogues_in_the_options():
    plain, some = ([reply for _, reply in conversation(600, asides)] for asides in (0, 0.3))
    assert 0.2 < sum(one != other for one, other in zip(plain, some, strict=True)) / 600 < 0.4
