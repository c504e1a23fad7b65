"""Merge the journals of several people: verdicts that are equal are taken over, others become a conflict.

Edited spans of an episode are a verdict on them, equal where all spans are. Samples that they added are not merged.
A journal is considered once: its later verdicts replace its former ones, and merging it again changes nothing. Every
event has an id of its own, so that a journal which begins as the copy of another one is recognized.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, groupby

from pgen.errors import ConfigError
from pgen.safety.terminal import printable
from pgen_review.events import EDITS, MERGE, Key
from pgen_review.exported import Exported, hash_of
from pgen_review.fold import Fold, Outcome, Verdict
from pgen_review.reviewed import ReviewedEpisode, originals
from pgen_review.session import Session
from pgen_review.span_merging import all_accepted, check_spans, compared, with_spans
from pgen_review.validation import InvalidEventError, Json, Posted, value_of


def merge(session: Session, journals: Sequence[Exported]) -> Counter[str]:
    """Merge journals into that of a session, as one step to undo.

    Returns the number of dialogues by what came of them: agreed, conflict, or open; and of episodes with edited spans,
    the same with `spans_` before it. Raises ConfigError where a journal
    is about other dialogues, and StorageError.
    """
    dialogues = hash_of(session.review)
    for journal in journals:
        if journal.dialogues != dialogues:
            raise ConfigError(
                f"{journal.path} is the journal of other dialogues than {session.review.folder} has; merge those of "
                "copies of this result."
            )
        _check(session, journal)
    known = session.review.keys
    values = {key: value for key, value in _merged(session.fold, journals) if key.is_spans or key in known}
    for key in values:
        if key.is_spans:
            before = ReviewedEpisode(session.review, key.episode, Fold()).spans
            values[key] = with_spans(values[key], [span.as_json() for span in before])
    session.record(MERGE, values)
    return Counter(_result(key, value["verdicts"]) for key, value in values.items())


def _result(key: Key, verdicts: list[Verdict]) -> str:
    result = "conflict" if len(verdicts) > 1 else "agreed" if verdicts else "open"
    return f"spans_{result}" if key.is_spans else result


def _merged(own: Fold, journals: Sequence[Exported]) -> Iterator[tuple[Key, Json]]:
    """Yield each dialogue of which a journal says something new, with the value of its event."""
    for key in dict.fromkeys(chain.from_iterable(journal.fold.keys() for journal in journals)):
        outcome = own.outcome(key)
        value: Json = {"verdicts": outcome.verdicts, "flagged": outcome.flagged, "note": outcome.note, "merged": []}
        for journal in journals:
            latest = journal.fold.latest(key)
            known = outcome.merged | set(value["merged"])
            if latest and latest not in known and not own.has(latest):
                value = _with(value, journal.fold, key, known)
        if value["merged"]:
            yield key, value


def _with(value: Json, theirs: Fold, key: Key, known: set[str]) -> Json:
    """Return the value of an event after what a journal says of the dialogue."""
    outcome = theirs.outcome(key)
    decisive = {source for verdict in outcome.verdicts for source in verdict["sources"]}

    def is_replaced(verdict: Verdict) -> bool:
        """Return whether the person who wrote the journal had the verdict, and decided otherwise after it."""
        sources = set(verdict["sources"])
        return sources.isdisjoint(decisive) and any(theirs.has(it) or it in outcome.merged for it in sources)

    verdicts = [verdict for verdict in value["verdicts"] if not is_replaced(verdict)]
    for verdict in outcome.verdicts:
        if known.isdisjoint(verdict["sources"]):
            verdicts = _added(verdicts, verdict)
    return {
        "verdicts": verdicts,
        "flagged": value["flagged"] or outcome.flagged,
        "note": "\n".join(dict.fromkeys([*value["note"].splitlines(), *outcome.note.splitlines()])),
        "merged": [*value["merged"], theirs.latest(key), *outcome.merged],
    }


def _added(verdicts: list[Verdict], verdict: Verdict) -> list[Verdict]:
    """Return the verdicts with another one; of equal ones, the first stays, with the names of all."""
    for place, other in enumerate(verdicts):
        if (other["state"], compared(other)) == (verdict["state"], compared(verdict)):
            both = {
                **other,
                **all_accepted(other, verdict),
                "by": _joined(other["by"], verdict["by"]),
                "sources": other["sources"] + verdict["sources"],
            }
            return [*verdicts[:place], both, *verdicts[place + 1 :]]
    return [*verdicts, verdict]


def _joined(*names: str) -> str:
    return ", ".join(dict.fromkeys(name for several in names for name in several.split(", ")))


def _check(session: Session, journal: Exported) -> None:
    """Raise ConfigError where a verdict could not be one of this review: others may have written the file."""
    try:
        for index, keys in groupby(sorted(journal.fold.keys()), lambda key: key.episode):
            if index not in session.review.episodes:
                raise InvalidEventError(f"There is no episode {index}.")
            episode = ReviewedEpisode(session.review, index, Fold())
            for key in keys:
                if key.is_spans:
                    check_spans(journal.fold.outcome(key), episode)
                else:
                    _check_dialogue(session, journal.fold, key, episode)
    except InvalidEventError as error:
        raise ConfigError(f"{journal.path} cannot be merged: {error}") from None


def _check_dialogue(session: Session, fold: Fold, key: Key, episode: ReviewedEpisode) -> None:
    if key not in session.review.keys:
        if key in fold.starts_of_spans:
            return  # the samples that edits of spans added are not merged
        raise InvalidEventError(f"There is no dialogue {list(key)}.")
    for event in _events(fold.outcome(key), episode, key):
        value_of(event, episode, session.types, spoken=True)


def _events(outcome: Outcome, episode: ReviewedEpisode, key: Key) -> Iterator[Posted]:
    """Yield what a client would send for the verdicts on a dialogue."""
    if outcome.note:
        yield Posted("", key, 0, "note", {"text": outcome.note})
    for verdict in outcome.verdicts:
        if verdict["state"] != "open" and not printable(str(verdict["by"])).strip():
            raise InvalidEventError("A verdict has no name.")
        if verdict["state"] == "rejected":
            yield Posted("", key, 0, "reject", {"reason": verdict["reason"]})
        values: Json = originals(episode.originals[episode.positions[key]]) | verdict["values"]
        for kind, names in EDITS.items():
            if verdict["values"].keys() & set(names) and (kind != "take" or verdict["asked"]):
                yield Posted("", key, 0, kind, {**_range_of(episode, key), **verdict, **values})


def _range_of(episode: ReviewedEpisode, key: Key) -> Json:
    return dict(zip(EDITS["edit_range"], episode.original_range(key), strict=True))
