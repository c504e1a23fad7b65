"""Verdicts of several people on the spans of an episode: which are equal, and what is stored where they are merged."""

from pgen.safety.terminal import printable
from pgen_review.events import SPANS, Key
from pgen_review.fold import Outcome, Verdict
from pgen_review.reviewed import ReviewedEpisode
from pgen_review.spans import from_json
from pgen_review.validation import InvalidEventError, Json, Posted, value_of


def compared(verdict: Verdict) -> Json:
    """Return the values in which verdicts may differ: of equal spans, each person may have accepted others."""
    return {name: value for name, value in verdict["values"].items() if name != "accepted"}


def all_accepted(first: Verdict, second: Verdict) -> Json:
    """Return what changes of the first verdict where both people's accepted spans are accepted."""
    lists = [verdict["values"].get("accepted", []) for verdict in (first, second)]
    if not any(lists):
        return {}
    accepted = lists[0] + [span for span in lists[1] if span not in lists[0]]
    return {"values": {**first["values"], "accepted": accepted}, "was": {**first["was"], "accepted": []}}


def with_spans(value: Json, before: list[Json]) -> Json:
    """Return the value of an event that merges verdicts on spans, with those `before` and those that all agree on."""
    verdicts = value["verdicts"]
    agreed = verdicts[0]["values"].get("spans") if len(verdicts) == 1 else None
    return {**value, "before": before, **({"after": agreed} if agreed else {})}


def check_spans(outcome: Outcome, episode: ReviewedEpisode) -> None:
    """Raise InvalidEventError where spans could not be those of an episode, or were made of other ones.

    `episode` has the spans from before the review.
    """
    index, before = episode.episode.index, [span.as_json() for span in episode.spans]
    for verdict in outcome.verdicts:
        if not printable(str(verdict["by"])).strip():
            raise InvalidEventError("A verdict has no name.")
        if outcome.was.get("spans", before) != before:
            raise InvalidEventError(f"Episode {index} had other spans when they were reviewed.")
        content = {"spans": verdict["values"].get("spans", before)}
        value_of(Posted("", Key.of_spans(index), 0, SPANS, content), episode, {}, spoken=True)
        from_json(verdict["values"].get("accepted", ()))
