import re
from random import Random

from pgen_dialogue.template.phrasebook import compose, load, names_in, phrases, words

FACTS = """
do doing do_it doing_it do_so doing_so obj it them is has s dest last_doing last_done task
not_obj not_do not_doing not_done not_it not_is not_s other care label on_it
"""


def entries():
    """Yield all phrases of the package."""
    stack = [phrases(), load("asides"), load("words")]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            yield entry
        else:
            stack += entry.values() if isinstance(entry, dict) else entry


def test_every_phrase_is_well_formed_and_names_only_facts_that_a_sample_may_have():
    facts = FACTS.split()
    known = {*facts, *(name[0].upper() + name[1:] for name in facts)}
    for entry in entries():
        assert re.fullmatch(r"[^\[\]]*(\[[^\[\]]*\][^\[\]]*)*", entry), entry
        assert names_in(entry) <= known, entry


def test_every_list_of_words_exists_and_is_used():
    assert {name for entry in entries() for name in re.findall(r"<(\w+)>", entry)} | {"seen"} == words().keys()


def test_a_choice_or_phrase_without_its_facts_is_not_used():
    texts = {compose(["[{gone}|{here}] you go"], {"here": "there"}, Random(seed)) for seed in range(9)}
    assert texts == {"There you go"}
    assert compose(["{gone}"], {}, Random(0)) == ""
