"""Measure the diversity of texts: distinct-n, self-BLEU, vocabulary, lengths, repeats.

A text is taken as its words in lower case, without punctuation; scripts that are written without spaces
count each character. All measures but the lengths depend on the number of texts: compare runs of one size.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from math import exp, log
from random import Random

ORDER = 4
"""The longest n-grams of BLEU."""
BLEU_SAMPLE = 200
"""The most texts of which self-BLEU is the mean."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['’][^\W_{_UNSPACED}]+)*")

type Words = tuple[str, ...]
type Gram = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Diversity:
    """The measures of some texts. `lengths` counts texts by their number of words; `distinct` is for n = 1, 2, 3."""

    texts: int
    words: int
    vocabulary: int
    distinct: tuple[float, float, float]
    self_bleu: float
    lengths: dict[int, int]

    @property
    def mean_length(self) -> float:
        """Words per text."""
        return self.words / self.texts if self.texts else 0.0


def measure(texts: Iterable[str], seed: int = 0) -> Diversity:
    """Return every measure at once."""
    split = [words(text) for text in texts]
    counts = Counter(chain.from_iterable(split))
    return Diversity(
        texts=len(split),
        words=counts.total(),
        vocabulary=len(counts),
        distinct=(_distinct(split, 1), _distinct(split, 2), _distinct(split, 3)),
        self_bleu=_self_bleu(split, BLEU_SAMPLE, seed),
        lengths=dict(sorted(Counter(map(len, split)).items())),
    )


def words(text: str) -> Words:
    """Return the words of a text, in lower case, without punctuation."""
    return tuple(_WORD.findall(text.lower()))


def distinct(texts: Iterable[str], n: int) -> float:
    """Return distinct-n (Li et al., arXiv 1510.03055): different n-grams per n-gram over all texts, in [0, 1]."""
    return _distinct([words(text) for text in texts], n)


def self_bleu(texts: Iterable[str], sample: int = BLEU_SAMPLE, seed: int = 0) -> float:
    """Return self-BLEU (Zhu et al., arXiv 1802.01886) in [0, 1]; lower is more varied, and one text has 0.

    It is the mean BLEU-4 of each text against the others, within a seeded sample; a precision of 0 counts as
    0.1 match (method 1 of Chen and Cherry, 2014).
    """
    return _self_bleu([words(text) for text in texts], sample, seed)


def most_repeated(texts: Iterable[str] | Counter[str], count: int = 10) -> list[tuple[str, int]]:
    """Return the texts that occur more than once, most frequent first, then in alphabetical order."""
    repeated = [(text, number) for text, number in Counter(texts).items() if number > 1]
    return sorted(repeated, key=lambda item: (-item[1], item[0]))[:count]


def _distinct(split: Sequence[Words], n: int) -> float:
    total = sum(max(0, len(text) - n + 1) for text in split)
    return len({gram for text in split for gram in _grams(text, n)}) / total if total else 0.0


def _grams(text: Words, n: int) -> Iterable[Gram]:
    return zip(*(text[start:] for start in range(n)), strict=False)


def _self_bleu(split: Sequence[Words], sample: int, seed: int) -> float:
    split = [text for text in split if text]
    chosen = split if len(split) <= sample else Random(seed).sample(split, sample)
    if len(chosen) < 2:
        return 0.0
    counts = [[Counter(_grams(text, n)) for text in chosen] for n in range(1, ORDER + 1)]
    highest = [_two_highest(of_order) for of_order in counts]
    lengths = Counter(map(len, chosen))
    scores = []
    for i, text in enumerate(chosen):
        logs = [log(_precision(counts[order][i], highest[order], max(1, len(text) - order))) for order in range(ORDER)]
        scores.append(_brevity(len(text), lengths) * exp(sum(logs) / ORDER))
    return sum(scores) / len(scores)


def _two_highest(counts: Sequence[Counter[Gram]]) -> dict[Gram, tuple[int, int]]:
    """Return the two highest counts of each n-gram in a text: the second is the reference of the text with the first.

    With them each text is compared with all others in one pass, instead of one pass per text.
    """
    highest: dict[Gram, tuple[int, int]] = {}
    for count in counts:
        for gram, number in count.items():
            first, second = highest.get(gram, (0, 0))
            highest[gram] = (number, first) if number > first else (first, max(second, number))
    return highest


def _precision(own: Counter[Gram], highest: dict[Gram, tuple[int, int]], total: int) -> float:
    """Return the share of a text's n-grams that another text has, each counted at most as often as it is there."""
    matched = 0
    for gram, number in own.items():
        first, second = highest[gram]
        matched += min(number, second if number == first else first)
    return (matched or 0.1) / total


def _brevity(length: int, lengths: Counter[int]) -> float:
    """Return BLEU's penalty against the closest length of the other texts; of two equally close, the shorter."""
    others = (other for other, number in lengths.items() if number > (other == length))
    closest = min(others, key=lambda other: (abs(other - length), other))
    return 1.0 if length >= closest else exp(1 - closest / length)
