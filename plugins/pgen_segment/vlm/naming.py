"""Skill names in one style: imperative ("pick up the cup"), or third person ("robot arm picks up the cup").

A name in the other style is converted by the rules of `pgen_dialogue.english`, which know the verbs of manipulation.
One in which they find no verb stays as it is; so do all names of a user's own vocabulary.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pgen.errors import ConfigError, SampleError
from pgen.records import Episode
from pgen_dialogue.english import form_of, read, split_label
from pgen_segment.vlm import prompts
from pgen_segment.vlm.prompts import LONGEST_NAME, MOST_SPANS

IMPERATIVE, THIRD_PERSON = "imperative", "third-person"
ROBOT = "robot arm"
"""The subject of a name without one."""
CONVERTED = "names in another style: converted"
UNKNOWN = "names without a known verb: unchanged"


def style_of(name: str) -> str | None:
    """Return the style of a name: None where it has no verb that is known; "" for another style, such as a gerund."""
    text, subject, _ = split_label(name)
    words = text.lower().split()
    while len(words) > 1 and words[0].endswith("ly"):
        words = words[1:]
    if not read(name).verb:
        return None
    if subject:
        return THIRD_PERSON
    return IMPERATIVE if form_of(words[0].rstrip(",;")) == "base" else ""


def styled(name: str, style: str) -> str:
    """Return the name in that style, where it can be converted."""
    if style_of(name) in (None, style):
        return name
    phrase = read(name)
    return phrase.do if style == IMPERATIVE else f"{ROBOT} {phrase.does}"


def mixed(names: Iterable[str]) -> bool:
    """Return whether names are in more than one style, as far as that can be decided."""
    return len({style_of(name) for name in names} - {None}) > 1


@dataclass(slots=True)
class Naming:
    """How skills are named: in a style, and from the `vocabulary` where there is one.

    The names of the user's `own` vocabulary are used as they are written. `changes` counts converted names.
    """

    style: str
    vocabulary: tuple[str, ...] = ()
    own: bool = False
    changes: Counter[str] = field(default_factory=Counter)

    def instruction(self) -> str:
        """Return what a prompt says about names."""
        return prompts.names(self.style, self.vocabulary)

    def read(self, value: Any) -> str:
        """Return a name of a reply, spelled as in the vocabulary where there is one. Raises SampleError."""
        name = " ".join(str(value).encode("utf-8", "replace").decode().split())
        if self.vocabulary:
            return self._listed(name)
        if len(name) > prompts.LONGEST_NAME:
            raise SampleError("schema", f"a name of {len(name)} characters is too long: {name[:80]!r}")
        return name

    def written(self, name: str) -> str:
        """Return a name that was read as it is written out: in the style, and counted where it was converted."""
        if self.vocabulary:
            return name
        converted = styled(name, self.style)
        if converted != name:
            self.changes[CONVERTED] += 1
        elif style_of(name) is None:
            self.changes[UNKNOWN] += 1
        return converted

    def _listed(self, name: str) -> str:
        spelling = {_folded(listed): listed for listed in self.vocabulary}
        for candidate in (name,) if self.own else (name, styled(name, self.style)):
            if _folded(candidate) in spelling:
                return spelling[_folded(candidate)]
        raise SampleError("schema", f"{name!r} is none of the skills: {'; '.join(self.vocabulary)}")


def _folded(name: str) -> str:
    return name.casefold().strip(" .\"'")


AUTO = "auto"


def read_vocabulary(choice: str | None) -> tuple[str, ...]:
    """Return the names of a file, one per line, without empty lines and those that begin with #. Raises ConfigError."""
    if choice in (None, AUTO):
        return ()
    path = Path(str(choice))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"--vocabulary {path} cannot be read as a text of names: {error}.") from None
    names = tuple(dict.fromkeys(" ".join(line.split()) for line in lines if line.strip() and line.strip()[0] != "#"))
    if not names:
        raise ConfigError(f"--vocabulary {path} holds no name; write one a line.")
    if len(names) > MOST_SPANS or max(map(len, names)) > LONGEST_NAME:
        raise ConfigError(
            f"--vocabulary {path}: at most {MOST_SPANS} names of at most {LONGEST_NAME} characters; it has "
            f"{len(names)}, the longest with {max(map(len, names))}."
        )
    return names


def spread(episodes: Iterable[Episode], limit: int) -> list[Episode]:
    """Return at most `limit` episodes from all parts of the dataset; at most twice as many are in memory."""
    chosen: list[Episode] = []
    step = 1
    for position, episode in enumerate(episodes):
        if position % step:
            continue
        chosen.append(episode)
        if len(chosen) == 2 * limit:
            chosen, step = chosen[::2], 2 * step
    return chosen[:: -(-len(chosen) // limit)] if chosen else []
