import re
from random import Random

from pgen_dialogue.template import facts
from pgen_dialogue.template.phrasebook import compose, names_in, phrases


def entries():
    """Yield all phrases of the package."""
    stack = [phrases()]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            yield entry
        else:
            stack += entry.values() if isinstance(entry, dict) else entry


def test_every_phrase_is_well_formed_and_names_only_facts_that_a_sample_may_have():
    documented = re.findall(r"\b\w+\b", facts.__doc__)
    allowed = {*documented, *(name[0].upper() + name[1:] for name in documented)}
    for entry in entries():
        assert re.fullmatch(r"[^\[\]]*(\[[^\[\]]*\][^\[\]]*)*", entry), entry
        assert names_in(entry) <= allowed, entry


def test_no_list_has_a_phrase_twice():
    for name, book in phrases().items():
        for listed in book.values() if name != "spoken" else ():
            assert len(listed) == len(set(listed))


def test_a_choice_or_phrase_without_its_facts_is_not_used():
    texts = {compose(["[{gone}|{here}] you go"], {"here": "there"}, 0, 0, Random(seed)) for seed in range(9)}
    assert texts == {"There you go"}
    assert compose(["{gone}"], {}, 0, 0, Random(0)) == ""


def test_each_number_takes_another_phrase_as_long_as_there_is_one():
    for order in range(5):
        assert {compose(["a", "b", "c"], {}, order, number, Random(0)) for number in range(3)} == {"A", "B", "C"}
