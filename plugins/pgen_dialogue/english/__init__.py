"""The little English that skill labels need: reading one, and saying it as a request or as an answer.

`read` turns a label ("robot arm picks up pink lego brick") into a `Phrase` ("pick up the pink lego brick",
"picking up …", "picked up …", its objects, its kind of act). A closed lexicon of manipulation verbs and
spelling rules suffice for such labels; a general library would bring a dependency and still not know
subjects, omitted articles or robot parts. What cannot be read stays an opaque label, never a wrong guess.
"""

from pgen_dialogue.english.clean import one_line
from pgen_dialogue.english.phrase import Phrase, read, read_task

__all__ = ["Phrase", "one_line", "read", "read_task"]
