"""Figures of the pages: rows of the table of docs/performance.md, and numbers in prose that name their benchmark."""

import re
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted(TOP.glob("docs/*.md"))]
PERFORMANCE = TOP / "docs/performance.md"

_ROW = re.compile(r"^\| (.*?) \| (.*) \| `python benchmarks/(\w+)\.py` \|$", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")
_COMMAND = re.compile(r"`python benchmarks/(\w+)\.py[^`]*`")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`]*`")
_SENTENCE = re.compile(r"(?<=[.:!?])\s+(?=[A-Z`*])")


def numbers(text: str) -> list[str]:
    """Return the numbers of a text as they are written, without those in code and in names such as H100."""
    return [number.rstrip(",") for number in _NUMBER.findall(_CODE.sub("", text))]


def rows(page: str) -> dict[str, dict[str, str]]:
    """Return the rows of the table: by benchmark, the values of each measure."""
    by_benchmark: dict[str, dict[str, str]] = {}
    for measure, values, benchmark in _ROW.findall(page):
        by_benchmark.setdefault(benchmark, {})[measure] = values
    return by_benchmark


def kind(measure: str) -> str:
    """Return a measure without its sizes, which a tiny run changes."""
    return re.sub(r"\d[\d,.]*", "N", measure)


def sentences(page: str) -> Iterator[tuple[str, str]]:
    """Yield the name of a benchmark and a sentence of prose that names it as the source of its figures."""
    for block in re.split(r"\n\s*\n", _FENCE.sub("\n\n", page)):
        if not block.startswith(("|", "#", "<!--")):
            for sentence in _SENTENCE.split(block):
                yield from ((name, sentence) for name in _COMMAND.findall(sentence))


def agrees(stated: str, shown: dict[str, str]) -> bool:
    """Return whether a number is a value of some rows, rounded as far as it is written, or stands in a measure."""
    values = [float(it.replace(",", "")) for text in (*shown, *shown.values()) for it in numbers(text)]
    plain = stated.replace(",", "")
    whole, _, decimals = plain.partition(".")
    zeros = len(whole) - len(whole.rstrip("0")) if not decimals else 0
    unit = 10.0 ** (zeros - len(decimals))
    return any(abs(value - float(plain)) <= unit / 2 * (1 + 1e-9) for value in values)
