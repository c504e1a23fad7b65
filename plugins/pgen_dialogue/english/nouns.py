"""Groups of nouns in a tagged label: their positions, which lack an article, which name an object."""

from collections.abc import Iterator

from pgen_dialogue.english import words as w
from pgen_dialogue.english.tagging import Token

_TOO_LONG = 60
_INDEFINITE = frozenset(("a", "an", "some", "any", "another", "this", "that"))


def groups(tokens: list[Token]) -> Iterator[range]:
    """Yield the positions of each run of nouns and adjectives, without its determiner."""
    start = None
    for index, token in enumerate(tokens):
        if token.kind == "noun":
            start = index if start is None else start
            if token.ends_group:
                yield range(start, index + 1)
                start = None
        elif start is not None:
            yield range(start, index)
            start = None
    if start is not None:
        yield range(start, len(tokens))


def lacks_article(tokens: list[Token], group: range) -> bool:
    """Return whether "the" belongs before this group: it is singular and not determined."""
    before = tokens[group.start - 1] if group.start else None
    head, first = tokens[group[-1]], tokens[group.start]
    if before and (before.kind in ("determiner", "fixed") or _second_of_pair(tokens, group.start - 1)):
        return False
    if any(word.core[:1].isdigit() or word.core in w.NUMBERS for word in (first, head)) or len(head.core) < 2:
        return False
    if before and ((before.core, first.core) in w.BARE or _measured(tokens, group.start - 1)):
        return False
    if first.text[0].isupper() and first.core.endswith(("'s", "’s")):
        return False
    return not is_plural(head.core)


def objects(tokens: list[Token]) -> list[tuple[str, range]]:
    """Return the objects as (phrase with its article, positions); robot parts and mere places are left out."""
    result: list[tuple[str, range]] = []
    for group in groups(tokens):
        span = _whole(tokens, group)
        if span is None or tokens[group[-1]].core in w.ROBOT_PARTS | w.PLACES or not tokens[group[-1]].core:
            continue
        phrase = _determined(tokens, span, group).rstrip(",.;:!?")
        if len(phrase) <= _TOO_LONG:
            result.append((phrase, span))
    return result


def is_plural(word: str) -> bool:
    return word in w.PLURALS or (
        word.endswith("s") and not word.endswith(("ss", "us", "is", "'s", "’s")) and word not in w.SINGULAR_IN_S
    )


def is_several(words: list[str]) -> bool:
    """Return whether a phrase is plural: "tomato slices", "the fork and knife", "bits of bread"."""
    head = words[: words.index("of")] if "of" in words[1:] else words
    return "and" in words or is_plural(head[-1])


def _second_of_pair(tokens: list[Token], index: int) -> bool:
    """Return whether the word at `index` joins two nouns without a comma: `fork and knife`."""
    joined = index > 0 and tokens[index].kind == "conjunction" and tokens[index - 1].kind == "noun"
    return joined and not tokens[index - 1].ends_group


def _joins(tokens: list[Token], index: int) -> bool:
    return _second_of_pair(tokens, index) and tokens[index + 1].kind in ("noun", "determiner")


def _measured(tokens: list[Token], index: int) -> bool:
    return tokens[index].core == "of" and index > 0 and tokens[index - 1].core.removesuffix("s") in w.MEASURES


def _whole(tokens: list[Token], group: range) -> range | None:
    """Return a group with its `of …` or its `and …`; None for a part that belongs to the group before it."""
    before = tokens[group.start - 1].kind == "determiner" if group.start else False
    link = group.start - (2 if before else 1)
    if link > 0 and (tokens[link].core == "of" or _second_of_pair(tokens, link)):
        return None
    end = group.stop
    if end < len(tokens) - 1 and (tokens[end].core == "of" or _joins(tokens, end)):
        end += 1
        while end < len(tokens) and tokens[end].kind in ("noun", "determiner"):
            end += 1
    return range(group.start, end)


def _determined(tokens: list[Token], span: range, group: range) -> str:
    before = tokens[span.start - 1] if span.start else None
    words = [tokens[index].text for index in span]
    if before and before.kind == "determiner":
        article = "the" if before.core in _INDEFINITE else before.text
        return " ".join([article, *words])
    several = is_plural(tokens[group[-1]].core) and words[0][0].islower() and words[0] not in w.NUMBERS
    return " ".join(["the", *words] if several or lacks_article(tokens, group) else words)
