"""Names of skills in one style: in the imperative ("pick up the cup"), or in the third person with the robot.

A name in the other style is said anew by the rules of `pgen_dialogue.english`, which know the verbs of
manipulation. One in which they find no verb stays as it is; so does the user's own list, as a whole.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pgen.errors import SampleError
from pgen_dialogue.english import read
from pgen_dialogue.english.clean import labelled
from pgen_dialogue.english.verbs import form_of
from pgen_segment.vlm import prompts as wording

IMPERATIVE, THIRD_PERSON = "imperative", "third-person"
ROBOT = "robot arm"
"""Who does it, where a name does not say."""
CONVERTED = "names in another style: said anew"
UNKNOWN = "names without a verb that is known: kept as they are"


def style_of(name: str) -> str | None:
    """The style of a name: None where it cannot be told; "" for another one, such as a gerund."""
    text, subject, _ = labelled(name)
    words = text.lower().split()
    while len(words) > 1 and words[0].endswith("ly"):
        words = words[1:]
    if not read(name).verb:
        return None
    if subject:
        return THIRD_PERSON
    return IMPERATIVE if form_of(words[0].rstrip(",;")) == "base" else ""


def styled(name: str, style: str) -> str:
    """The name in that style, where it can be said so."""
    found = style_of(name)
    if found is None or found == style:
        return name
    phrase = read(name)
    return phrase.do if style == IMPERATIVE else f"{ROBOT} {phrase.does}"


def mixed(names: Iterable[str]) -> bool:
    """Whether names are in more than one style, as far as that can be told."""
    return len({style_of(name) for name in names} - {None}) > 1


@dataclass(slots=True)
class Naming:
    """How skills are named: in a style, and from the list `known` where there is one.

    A list that is the user's `own` is held to as it is written. `changes` counts what was said anew.
    """

    style: str
    known: tuple[str, ...] = ()
    own: bool = False
    changes: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """What a model is told of it."""
        return wording.names(self.style, self.known)

    def read(self, value: Any) -> str:
        """A name as a model gave it, in the spelling of the list where there is one. Raises SampleError."""
        name = " ".join(str(value).encode("utf-8", "replace").decode().split())
        if self.known:
            return self._listed(name)
        if len(name) > wording.LONGEST_NAME:
            raise SampleError("schema", f"a name of {len(name)} characters is too long: {name[:80]!r}")
        return name

    def written(self, name: str) -> str:
        """A name that was read, as it is written: in the style, counted where it was in another."""
        if self.known:
            return name
        said = styled(name, self.style)
        if said != name:
            self.changes[CONVERTED] += 1
        elif style_of(name) is None:
            self.changes[UNKNOWN] += 1
        return said

    def _listed(self, name: str) -> str:
        spelt = {_bare(each): each for each in self.known}
        for said in (name,) if self.own else (name, styled(name, self.style)):
            if _bare(said) in spelt:
                return spelt[_bare(said)]
        raise SampleError("schema", f"{name!r} is none of the skills: {'; '.join(self.known)}")


def _bare(name: str) -> str:
    return name.casefold().strip(" .\"'")
