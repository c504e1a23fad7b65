"""Whether two phrases may name one object."""

from functools import lru_cache


def may_be_same(first: str, second: str) -> bool:
    """Return whether two phrases may name one object: "the brick" may be "the red brick"."""
    a, b = content(first), content(second)
    return a <= b or b <= a


@lru_cache(maxsize=8192)
def content(phrase: str) -> frozenset[str]:
    """Return the words of a phrase that tell objects apart, without plural endings."""
    words = (word.strip(",.;:()'\"") for word in phrase.lower().split())
    return frozenset(word.removesuffix("s") for word in words if word not in ("the", "a", "an", "of", "and"))
