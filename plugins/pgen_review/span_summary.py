"""The review of a segmentation in numbers: for its record, and for `pgen review --status`."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from pgen_review.event_file import Header
from pgen_review.events import Key
from pgen_review.fold import Fold
from pgen_review.results import Review
from pgen_review.reviewed import ReviewedEpisode
from pgen_review.spans import spans_of

STATES = ("open", "accepted", "edited")


def spans_entry(review: Review, header: Header, fold: Fold) -> dict[str, Any]:
    """Return the record's entry `reviews` after the events of `fold`."""
    spans, episodes = Counter[str](), Counter[str]()
    for index, stored in review.episodes.items():
        key = Key.of_spans(index)
        if not fold.number(key):
            spans["open"] += len(spans_of(stored.episode))
            episodes["open"] += 1
            continue
        state = ReviewedEpisode(review, index, fold).state(key)
        spans.update(span["review"] for span in state["spans"])
        episodes[state["state"]] += 1
    return {
        "journal": header.journal,
        "events": len(fold.events),
        "people": people(fold),
        "spans": {state: spans[state] for state in STATES},
        "episodes": {state: episodes[state] for state in STATES},
    }


def people(fold: Fold) -> list[str]:
    """Return the names of all who made events, or whose verdicts were merged."""
    merged = (verdict["by"] for event in fold.events for verdict in event.value.get("verdicts", ()))
    names = {name for several in merged for name in several.split(", ") if name}
    return sorted(names | {event.by for event in fold.events})


def span_lines(folder: str, entry: dict[str, Any], applied: int) -> Iterator[str]:
    """Yield what `pgen review --status` prints of a segmentation."""
    for name in ("spans", "episodes"):
        number = entry[name]
        total = sum(number.values())
        yield (
            f"{name:<10} {total - number['open']:,} of {total:,} reviewed: {number['accepted']:,} accepted, "
            f"{number['edited']:,} edited"
        )
    yield from dataset_line(folder, entry, applied)


def dataset_line(folder: str, entry: dict[str, Any], applied: int) -> Iterator[str]:
    """Yield whether the dataset has all events of a review; nothing where there is no event."""
    if applied < entry["events"]:
        yield f"dataset    without the last {entry['events'] - applied:,} events; pgen review {folder} --apply"
    elif applied:
        yield "dataset    has all of them"
