import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen_results.diversity import Reservoir, distinct, measure, most_repeated, self_bleu, words

FOUR = [
    "please pick up the red cup now",
    "please pick up the blue cup",
    "put the red cup in the box please",
    "move over to the box",
]
texts = st.lists(st.text(alphabet="ab c", max_size=12), max_size=12)


def test_words_are_lower_case_without_punctuation():
    assert words("Don't grab it -- the *Red* cup, I'd say!") == (
        "don't",
        "grab",
        "it",
        "the",
        "red",
        "cup",
        "i'd",
        "say",
    )


def test_scripts_without_spaces_count_each_character():
    assert words("请拿起cup吧") == ("请", "拿", "起", "cup", "吧")


def test_distinct_counts_different_n_grams_per_n_gram():
    assert distinct(["the cup the cup", "the box"], 1) == 3 / 6
    assert distinct(["the cup the cup", "the box"], 2) == 3 / 4
    assert distinct(["the cup the cup", "the box"], 3) == 2 / 2


def test_texts_that_are_too_short_for_an_n_gram_have_a_distinct_of_zero():
    assert distinct(["cup", ""], 2) == 0.0


def test_self_bleu_is_what_nltk_gives_with_smoothing_method_1():
    assert self_bleu(FOUR) == pytest.approx(0.3438239936111413, rel=1e-12)


def test_self_bleu_of_the_same_text_is_one_and_of_a_single_text_zero():
    assert self_bleu(["put the red cup down"] * 3) == pytest.approx(1.0)
    assert self_bleu(["put the red cup down"]) == 0.0


def test_self_bleu_of_many_is_that_of_a_seeded_sample():
    lines = [f"{first} {second} the cup {third}" for first in "abcd" for second in "efgh" for third in "ijkl"]
    assert self_bleu(lines, 20, seed=1) == self_bleu(lines, 20, seed=1)
    assert self_bleu(lines, 20, seed=1) != self_bleu(lines, 20, seed=2)


@given(texts)
def test_measures_lie_between_zero_and_one_and_do_not_depend_on_the_order(lines):
    found, other = measure(lines), measure(lines[::-1])
    assert all(0.0 <= share <= 1.0 for share in (*found.distinct, found.self_bleu))
    assert found.distinct == other.distinct
    assert found.self_bleu == pytest.approx(other.self_bleu)
    assert sum(length * count for length, count in found.lengths.items()) == found.words


def test_the_vocabulary_is_the_number_of_different_words():
    found = measure(["The cup. The box.", "the cup"])
    assert (found.texts, found.words, found.vocabulary, found.mean_length) == (2, 6, 3, 3.0)
    assert found.lengths == {2: 1, 4: 1}


def test_most_repeated_are_in_the_order_of_their_number_then_of_the_alphabet():
    assert most_repeated(["b", "a", "c", "a", "b", "d", "a"]) == [("a", 3), ("b", 2)]
    assert most_repeated(["b", "a", "b", "a"], count=1) == [("a", 2)]


def test_a_reservoir_holds_a_stream_of_its_size_whole_and_of_more_a_seeded_sample():
    def sampled(size, seed):
        reservoir = Reservoir(size, seed)
        for item in range(100):
            reservoir.add(item)
        return reservoir.items

    assert sampled(100, 0) == list(range(100))
    assert sampled(10, 0) == sampled(10, 0)
    assert sampled(10, 0) != sampled(10, 1)
    assert len(set(sampled(10, 0))) == 10


def test_a_reservoir_takes_early_and_late_items_alike():
    taken = []
    for seed in range(400):
        reservoir = Reservoir(5, seed)
        for item in range(50):
            reservoir.add(item)
        taken += reservoir.items
    assert 0.4 < sum(item < 25 for item in taken) / len(taken) < 0.6
