"""Things of a kind, told apart by a mark: the red brick and the pink one, the left side and the right."""

from collections.abc import Iterator

from pgen_dialogue.checks.words import head, stem, thing, words_of

MARKS = tuple(
    frozenset(words.split())
    for words in (
        "red green blue yellow pink purple orange black white brown grey gray silver gold",
        "big small large little tiny huge",
        "left right",
        "top bottom upper lower",
        "first second third fourth",
    )
)
_REACH = 3


def mismarked(label: str, text: str) -> str:
    """What a text names that is of the same kind as a thing of the label, but marked otherwise; else empty."""
    own, said = list(_marked(words_of(label))), list(_marked(words_of(text)))
    for noun, mark, marks in said:
        rivals = {mine for name, mine, among in own if among is marks and noun in (name, "one")}
        if rivals and not rivals & {given for other, given, _ in said if other == noun}:
            return f"{mark} {noun}"
    return ""


def names(thing_name: str, text: str) -> bool:
    """Whether a text names the thing: its noun (or "one") with no other mark than its own."""
    stems = frozenset(map(stem, words_of(text)))
    own = {word for word in thing(thing_name) if any(word in marks for marks in MARKS)}
    if mismarked(thing_name, text):
        return False
    return (head(thing_name) in stems or ("one" in stems and bool(own))) and own <= stems


def _marked(words: tuple[str, ...]) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Each noun that a mark goes before, with the mark and what it is one of."""
    for position, word in enumerate(words):
        for marks in MARKS:
            if word in marks:
                for noun in words[position + 1 : position + 1 + _REACH]:
                    if not any(noun in others for others in MARKS):
                        yield stem(noun), word, marks
