"""What a person decided about the spans of a segmentation: each is open, accepted or edited, and so is the episode."""

from collections.abc import Sequence
from typing import NamedTuple

from pgen_review.fold import Outcome
from pgen_review.spans import Span, from_json


class SpanVerdicts(NamedTuple):
    """The state of each span, and that of the episode, which is open as long as one of its spans is."""

    spans: list[str]
    episode: str


def span_verdicts(spans: Sequence[Span], before: Sequence[Span], outcome: Outcome) -> SpanVerdicts:
    """Return the states of the present spans; `before` are those of the segmentation.

    An edited span counts as accepted. An acceptance holds as long as there is a span of the same name and frames.
    """
    accepted = set(from_json(outcome.values.get("accepted", ())))
    states = ["edited" if it not in before else "accepted" if it in accepted else "open" for it in spans]
    if "open" in states or not (states or outcome.state != "open"):
        return SpanVerdicts(states, "open")
    return SpanVerdicts(states, "edited" if "edited" in states else "accepted")
