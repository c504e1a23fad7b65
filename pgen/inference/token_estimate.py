"""About how many tokens a request has, without a tokenizer, and how many of them a server's prefix cache saves.

A token is a word or a part of a long one, a digit or a run of punctuation. For English and for JSON the count is
within 5 % of the tokenizer of Qwen. Equal texts have equal tokens, so that equal beginnings of requests are found.
"""

import re
from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from itertools import batched, chain

from pgen.records import Prompt

BLOCK = 16
"""Tokens that a server caches together; what is left over at the end of a request is computed each time."""

_LETTERS = 9
"""The most letters of a token."""

_WORD = re.compile(r" ?[^\W\d_]+| ?\d| ?[^\w\s]+|_+|\s+")
_TURN = ("<|im_start|>", "<role>", "\n")
_END = ("<|im_end|>", "\n")


@lru_cache(maxsize=64)
def text_tokens(text: str) -> tuple[str, ...]:
    """Return the tokens of a text, about."""
    return tuple(chain.from_iterable(map(_parts, _WORD.findall(text))))


def _parts(word: str) -> tuple[str, ...]:
    bare = word.lstrip()
    if len(bare) <= _LETTERS:
        return (word,)
    first, *rest = ("".join(part) for part in batched(bare, _LETTERS))
    return (word[: len(word) - len(bare)] + first, *rest)


def request_tokens(prompt: Prompt, images: Iterable[tuple[Hashable, int]]) -> list[Hashable]:
    """Return the tokens of a request as a chat: system message, context, images, text.

    Each image is what identifies it, with its number of tokens.
    """
    tokens: list[Hashable] = [*_TURN, *text_tokens(prompt.system), *_END] if prompt.system else []
    tokens += [*_TURN, *text_tokens(prompt.context)]
    for name, count in images:
        tokens += ((name, place) for place in range(count))
    return [*tokens, *text_tokens(prompt.text), *_END, *_TURN]


class PrefixCache:
    """The beginnings of all requests so far, in blocks, as a server keeps them that has room for all."""

    def __init__(self) -> None:
        self._blocks: set[int] = set()

    def cached(self, tokens: Sequence[Hashable]) -> int:
        """Return how many tokens at the beginning of a request are in the cache, and add the request to it."""
        before, found = len(self._blocks), 0
        beginning = 0
        for block in batched(tokens, BLOCK):
            if len(block) < BLOCK:
                break
            beginning = hash((beginning, block))
            found += beginning in self._blocks and len(self._blocks) == before
            self._blocks.add(beginning)
        return found * BLOCK
