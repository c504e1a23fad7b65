"""The wording for samples that show no picture."""

from collections.abc import Mapping


def unseen(text: str, seen: Mapping[str, str]) -> str:
    """The text without what it says of pictures; `seen` holds each such passage with what stands in its place."""
    for passage, instead in seen.items():
        text = text.replace(passage, instead)
    return text
