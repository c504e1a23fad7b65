"""English utilities for skill labels: read a label, and render it as a request or as an answer.

`read` turns a label ("robot arm picks up pink lego brick") into a `Phrase` ("pick up the pink lego brick", "picking
up …", "picked up …", its objects, its kind of action). A closed lexicon of manipulation verbs and spelling rules are
enough for such labels; a general library would be a dependency and still not know subjects, omitted articles or
robot parts. A label that cannot be read stays opaque: there is never a wrong guess.
"""

from pgen_dialogue.english.clean import one_line, split_label
from pgen_dialogue.english.phrase import Phrase, read, read_task
from pgen_dialogue.english.verbs import form_of

__all__ = ["Phrase", "form_of", "one_line", "read", "read_task", "split_label"]
