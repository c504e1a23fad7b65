import pytest

from pgen_dialogue.english.verbs import gerund, participle, third_person


@pytest.mark.parametrize(
    ("verb", "forms"),
    [
        ("move", ("moving", "moved", "moves")),
        ("put", ("putting", "put", "puts")),
        ("carry", ("carrying", "carried", "carries")),
        ("lie", ("lying", "lain", "lies")),
        ("push", ("pushing", "pushed", "pushes")),
        ("grab", ("grabbing", "grabbed", "grabs")),
        ("open", ("opening", "opened", "opens")),
        ("squeeze", ("squeezing", "squeezed", "squeezes")),
        ("transfer", ("transferring", "transferred", "transfers")),
        ("take", ("taking", "taken", "takes")),
        ("go", ("going", "gone", "goes")),
        ("show", ("showing", "shown", "shows")),
    ],
)
def test_verb_forms_are_spelled_right(verb, forms):
    assert (gerund(verb), participle(verb), third_person(verb)) == forms
