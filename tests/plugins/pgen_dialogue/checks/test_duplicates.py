from prompt_samples import sample

from pgen.inference.checking import RunChecks
from pgen.records import Annotation, Dialogue, Plan
from pgen_dialogue.checks.duplicates import Duplicates, similarity


def codes(texts, samples=1000, **options):
    """Yield the findings' codes for each request; a text that comes with True begins an episode."""
    run_checks = RunChecks([Duplicates(**options)], "en", samples)
    for begins, text in texts:
        if begins:
            run_checks.start_episode()
        annotation = Annotation(sample("pick up the cup"), Plan(), Dialogue(text, "Sure."))
        yield [finding.code for finding in run_checks.checked(annotation).checks]


def test_a_request_may_be_repeated_in_other_episodes_but_not_too_often():
    assert list(codes([(True, "Take the cup, please")] * 12, samples=500)) == [[]] * 5 + [["repeated"]] * 7
    assert list(codes([(True, "a"), (False, "A!")], samples=500)) == [[], ["near_duplicate"]]


def test_the_similarity_of_near_duplicates_is_an_option():
    texts = [(True, "Could you take the red cup?"), (False, "Could you take the red cup now?")]
    assert list(codes(texts)) == [[], ["near_duplicate"]]
    assert list(codes(texts, similarity=0.95)) == [[], []]
    assert (similarity("a b", "a b"), similarity("", "")) == (1.0, 0.0)
