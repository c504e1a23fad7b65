"""A review in numbers: for the manifest, the card, and `pgen review --status`."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from pgen_results.reading import SEVERITIES
from pgen_review import random_sample
from pgen_review.comparison import win_rates
from pgen_review.event_file import Header
from pgen_review.fold import STATES, Fold
from pgen_review.results import Review
from pgen_review.reviewed import ReviewedEpisode
from pgen_review.span_summary import dataset_line, people, span_lines, spans_entry


def reviews_entry(review: Review, header: Header, fold: Fold) -> dict[str, Any]:
    """Return the manifest's entry `reviews` after the events of `fold`."""
    if review.is_segmentation:
        return spans_entry(review, header, fold)
    return {
        "journal": header.journal,
        "events": len(fold.events),
        "people": people(fold),
        "counts": counts(review, fold),
        "accepted": _accepted(review, fold),
        "against": win_rates(fold),
        "sample": random_sample.estimate(review, fold, *header.sample).as_json() if header.sample else None,
    }


def counts(review: Review, fold: Fold) -> dict[str, int]:
    """Return the number of dialogues in each state, of those that are flagged, and of episodes with edited spans."""
    edited = [ReviewedEpisode(review, index, fold) for index in review.episodes if fold.spans(index)]
    added = {key for episode in edited for key in episode.added}
    outcomes = [fold.outcome(key) for key in fold.changed() if key in review.keys or key in added]
    states = Counter(outcome.state for outcome in outcomes)
    states["open"] += len(review.keys) + len(added) - len(outcomes)
    return {state: states[state] for state in STATES} | {
        "flagged": sum(outcome.flagged for outcome in outcomes),
        "conflict": sum(bool(outcome.conflict) for outcome in outcomes),
        **({"edited_spans": len(edited), "stale": sum(len(episode.stale) for episode in edited)} if edited else {}),
    }


def status_lines(folder: str, entry: dict[str, Any], applied: int) -> Iterator[str]:
    """Yield what `pgen review --status` prints."""
    if "counts" not in entry:
        yield from span_lines(folder, entry, applied)
        return
    number = entry["counts"]
    total = sum(number[state] for state in STATES)
    yield (
        f"reviewed   {total - number['open']:,} of {total:,} dialogues: {number['accepted']:,} accepted, "
        f"{number['edited']:,} edited, {number['rejected']:,} rejected; {number['flagged']:,} flagged"
    )
    if "stale" in number:
        yield (
            f"spans      of {number['edited_spans']:,} episodes edited; {number['stale']:,} dialogues are stale "
            "until somebody accepts or edits them"
        )
    if number["conflict"]:
        yield (
            f"conflicts  {number['conflict']:,} dialogues, on which people decided differently, or whose text changed; "
            "they are open"
        )
    yield from dataset_line(folder, entry, applied)
    for name, rate in entry["against"].items():
        yield f"against    {_rate_sentence(name, rate)}"
    if sample := entry["sample"]:
        yield f"sample     {sample_sentence(sample)}"


def _rate_sentence(name: str, rate: dict[str, Any]) -> str:
    text = f"{name}: {rate['this']:,} dialogues preferred to its own, {rate['other']:,} not, {rate['neither']:,} equal"
    if rate["share"] is None:
        return text
    return f"{text}; win rate {rate['share']:.1%} ({rate['low']:.1%} to {rate['high']:.1%} at 95 %)"


def sample_sentence(sample: dict[str, Any]) -> str:
    """Say what a random sample of the dialogues without a finding gives."""
    if not sample["reviewed"]:
        return f"none of {sample['size']:,} dialogues without a finding is reviewed yet"
    return (
        f"{sample['bad']:,} of {sample['reviewed']:,} reviewed dialogues without a finding were bad: "
        f"{sample['share']:.1%} ({sample['low']:.1%} to {sample['high']:.1%} at 95 %)"
    )


def _accepted(review: Review, fold: Fold) -> dict[str, dict[str, int]]:
    """Return by code of finding how many dialogues were reviewed, and accepted as they were; "" for none."""
    numbers: dict[str, Counter[str]] = defaultdict(Counter)
    for key in fold.changed():
        state, number = fold.outcome(key).state, review.keys.number(key)
        facets = [] if number is None else review.queue.facets_of(number)  # samples of edited spans have none
        if state == "open" or "state=ok" not in facets:
            continue
        for code in _codes(facets) or [""]:
            numbers[code].update(reviewed=1, accepted=int(state == "accepted"))
    return {code: {name: count[name] for name in ("reviewed", "accepted")} for code, count in sorted(numbers.items())}


def _codes(facets: list[str]) -> list[str]:
    names = [facet.removeprefix("finding=") for facet in facets if facet.startswith("finding=")]
    return [name for name in names if name not in ("any", *SEVERITIES)]
