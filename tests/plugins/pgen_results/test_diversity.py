import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgen_results.diversity import distinct, measure, most_repeated, self_bleu, words

FOUR = [
    "please pick up the red cup now",
    "please pick up the blue cup",
    "put the red cup in the box please",
    "move over to the box",
]
texts = st.lists(st.text(alphabet="ab c", max_size=12), max_size=12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don't grab it -- the *Red* cup, I'd say!", ["don't", "grab", "it", "the", "red", "cup", "i'd", "say"]),
        ("请拿起cup吧", ["请", "拿", "起", "cup", "吧"]),
    ],
    ids=["lower case without punctuation", "scripts without spaces"],
)
def test_words_of_a_text(text, expected):
    assert list(words(text)) == expected


def test_distinct_counts_different_n_grams_per_n_gram():
    assert [distinct(["the cup the cup", "the box"], n) for n in (1, 2, 3)] == [3 / 6, 3 / 4, 2 / 2]
    assert distinct(["cup", ""], 2) == 0.0


def test_self_bleu_is_what_nltk_gives_with_smoothing_method_1():
    assert self_bleu(FOUR) == pytest.approx(0.3438239936111413, rel=1e-12)
    assert self_bleu(["put the red cup down"] * 3) == pytest.approx(1.0)
    assert self_bleu(["put the red cup down"]) == 0.0


def test_self_bleu_of_many_is_that_of_a_seeded_sample():
    lines = [f"{first} {second} the cup {third}" for first in "abcd" for second in "efgh" for third in "ijkl"]
    assert self_bleu(lines, 20, seed=1) == self_bleu(lines, 20, seed=1) != self_bleu(lines, 20, seed=2)


@given(texts)
def test_measures_lie_between_zero_and_one_and_do_not_depend_on_the_order(lines):
    measured, other = measure(lines), measure(lines[::-1])
    assert all(0.0 <= share <= 1.0 for share in (*measured.distinct, measured.self_bleu))
    assert measured.distinct == other.distinct
    assert measured.self_bleu == pytest.approx(other.self_bleu)
    assert sum(length * count for length, count in measured.lengths.items()) == measured.words


def test_the_vocabulary_is_the_number_of_different_words():
    measured = measure(["The cup. The box.", "the cup"])
    assert (measured.texts, measured.words, measured.vocabulary, measured.mean_length) == (2, 6, 3, 3.0)
    assert measured.lengths == {2: 1, 4: 1}


def test_most_repeated_texts_are_ordered_by_their_number_then_the_alphabet():
    assert most_repeated(["b", "a", "c", "a", "b", "d", "a"]) == [("a", 3), ("b", 2)]
    assert most_repeated(["b", "a", "b", "a"], count=1) == [("a", 2)]
