"""The pages are easy to read: short paragraphs and short list items."""

import re
from collections.abc import Iterator

import pytest
from pages import TOP

MAX_PARAGRAPH, MAX_ITEM = 90, 40
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted(TOP.glob("docs/*.md"))]
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK_TARGET = re.compile(r"\]\([^)]*\)")
_ITEM = re.compile(r"^\s*(?:[-*]|\d+\.) ", re.MULTILINE)


def long_passages(markdown: str) -> Iterator[str]:
    """Yield each paragraph and list item that is too long, with its number of words first."""
    for block in re.split(r"\n\s*\n", _FENCE.sub("\n\n", markdown)):
        if block.lstrip().startswith(("|", "#", "<!--")):
            continue
        first, *items = _ITEM.split(block)
        yield from _longer_than(MAX_PARAGRAPH, [first])
        yield from _longer_than(MAX_ITEM, items)


def _longer_than(limit: int, passages: list[str]) -> Iterator[str]:
    for passage in passages:
        words = _LINK_TARGET.sub("]", passage).split()
        if len(words) > limit:
            yield f"{len(words)} words (at most {limit}): {' '.join(words[:12])} …"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_paragraphs_and_list_items_of_a_page_are_short(path):
    assert list(long_passages(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("a " * 90, 0),
        ("a " * 91, 1),
        ("- " + "a " * 41, 1),
        ("1. " + "a " * 40 + "\n2. " + "a " * 41, 1),
        ("Before:\n" + "- a\n" * 91, 0),
        ("| " + "a " * 91, 0),
        ("```text\n" + "a " * 91 + "\n\n" + "a " * 91 + "\n```", 0),
        ("[a](" + "a " * 91 + ")", 0),
    ],
)
def test_long_passages_are_counted_by_kind(markdown, expected):
    assert len(list(long_passages(markdown))) == expected
