from prompt_samples import sample

from pgen.components import Context
from pgen.records import Annotation, Dialogue, Plan
from pgen_dialogue.checks.wording import Length


def test_the_limit_of_words_is_an_option():
    annotation = Annotation(sample("pick up the cup"), Plan(), Dialogue("Take the cup.", "Sure."))
    assert Length(user_words=2).check(annotation, Context()).code == "too_long"
    assert Length(user_words=3).check(annotation, Context()) is None
