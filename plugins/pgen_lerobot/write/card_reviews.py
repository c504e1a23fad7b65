"""The items of the dataset card about what people decided in `pgen review`."""

from typing import Any


def reviewed_items(reviews: dict[str, Any] | None) -> str:
    """Return the items about what people decided, where they did."""
    if not reviews:
        return ""
    counts, sample = reviews["counts"], reviews["sample"]
    changed = counts["edited"] + counts["rejected"]
    items = f"\n- {counts['accepted'] + changed} dialogues were reviewed by people: {counts['edited']} of them were "
    items += f"edited, and {counts['rejected']} rejected."
    if sample and sample["reviewed"]:
        items += (
            f"\n- Of {sample['reviewed']} random dialogues without a finding, people edited or rejected "
            f"{sample['bad']}: {sample['share']:.1%}, between {sample['low']:.1%} and {sample['high']:.1%} at 95 %."
        )
    return items
