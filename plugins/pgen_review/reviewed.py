"""Dialogues as a person left them: the annotation after its events, and an episode of such annotations."""

import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

from pgen.formats.syn_annotations import from_line, to_line
from pgen.labels import exchanges, frame_ranges
from pgen.records import Annotation, Dialogue, Failure, Review
from pgen_review.added import added, is_added
from pgen_review.events import EDITS, Key
from pgen_review.fold import DECIDED, Fold, Outcome, Verdict
from pgen_review.former_skills import named
from pgen_review.matching import Matching
from pgen_review.results import Review as Results
from pgen_review.span_verdicts import span_verdicts
from pgen_review.spans import Span, is_whole, skills_of, spans_of

type Range = tuple[int | None, int | None]

_TEXTS = (*EDITS["edit_text"], *EDITS["edit_types"])


def originals(annotation: Annotation) -> dict[str, str | None]:
    """Return the values of an annotation that can be edited, without its range."""
    dialogue = annotation.dialogue
    if dialogue is None:
        return dict.fromkeys(_TEXTS)
    values = dialogue.user_prompt, dialogue.robot_utterance, dialogue.scenario_type, dialogue.response_type
    return dict(zip(_TEXTS, values, strict=True))


def reviewed(original: Annotation, outcome: Outcome) -> Annotation:
    """Return an annotation after its events. What was found about another text is left out."""
    if outcome.state == "open":
        return original
    values = outcome.values
    changed = outcome.state == "rejected" or bool(values)
    by, at, before = outcome.by or "", outcome.at or "", original if changed else None
    taken = outcome.asked, outcome.generator or (by if is_added(original) else "")
    review = Review(outcome.state, by, at, outcome.reason, before, _frames(original, outcome), *taken)
    if outcome.state == "rejected":
        return replace(original, outcome=Failure("review", outcome.reason), checks=(), judgement=None, review=review)
    if not values.keys() & set(_TEXTS):
        return replace(original, review=review) if original.dialogue else original
    return replace(original, outcome=_written(original, values), checks=(), judgement=None, review=review)


def _written(original: Annotation, values: dict[str, Any]) -> Dialogue:
    """Return the dialogue after edits."""
    spoken = original.dialogue or Dialogue("", "")
    return Dialogue(
        values.get("user", spoken.user_prompt),
        values.get("robot", spoken.robot_utterance),
        values.get("scenario", spoken.scenario_type),
        values.get("response", spoken.response_type),
    )


def _frames(original: Annotation, outcome: Outcome) -> tuple[int, int] | None:
    """Return the frames that were chosen, in this review or a former one."""
    names = EDITS["edit_range"]
    if not outcome.values.keys() & set(names):
        return original.review.frames if original.review else None
    present = outcome.was | outcome.values
    return present[names[0]], present[names[1]]


class ReviewedEpisode:
    """An episode of a review with its annotations as they are now. `originals` are those before the review.

    Samples that edits of spans added are among them, in the order of the frames.
    """

    def __init__(self, review: Results, index: int, fold: Fold) -> None:
        stored = review.episodes[index]
        self.is_segmentation = review.is_segmentation
        self._original, self._fold, self._item = stored.episode, fold, review.keys.number(Key.of_spans(index))
        self._matching = matching = Matching(stored.episode, fold)
        self.episode, self.ranges = matching.episode, matching.ranges
        entries = [(number, line, from_line(line)) for number, line in enumerate(stored.lines, stored.first)]
        own = [original for *_, original in entries]
        more = [] if self.is_segmentation else added(matching, own, fold, review.source)
        self.added = {Key.of(it): len(review.keys) + fold.starts_of_spans[Key.of(it)] for it in more}
        """The samples that edits of spans added, with their numbers."""
        if more:
            entries += [(self.added[Key.of(it)], to_line(matching.adapted(it), ""), it) for it in more]
            entries.sort(key=lambda entry: entry[2].sample.moment.frame_index)
        self._numbers = [number for number, *_ in entries]
        self.lines = [line for _, line, _ in entries]
        self.originals = [original for *_, original in entries]
        self.keys = [Key.of(annotation) for annotation in self.originals]
        self.positions = {key: position for position, key in enumerate(self.keys)}
        self.adapted = list(map(matching.adapted, self.originals))
        """The originals for the present spans."""
        samples = zip(self.originals, self.adapted, self.keys, strict=True)
        self.annotations = [
            matching.checked(before, key, reviewed(annotation, fold.outcome(key)))
            for before, annotation, key in samples
        ]
        self._in_force = _in_force(self.episode, self.annotations)
        pairs = zip(self.keys, self.annotations, strict=True)
        self.stale = {key: it.failure.reason for key, it in pairs if is_stale(it) and it.failure}
        """The dialogues that were withdrawn because spans were edited, with the reasons."""

    @property
    def spans(self) -> list[Span]:
        """The present spans."""
        return spans_of(self.episode)

    @property
    def disputed(self) -> list[Verdict]:
        """The verdicts of several people on the spans, between which somebody must decide."""
        return self._fold.outcome(Key.of_spans(self._original.index)).conflict

    def unwritable(self, spans: list[Span]) -> str:
        """Return why the times of the episode cannot express spans, or ""."""
        stored = spans_of(replace(self._original, skills=skills_of(self._original, spans)))
        if stored != spans:
            return "the timestamps of this episode cannot express these spans; choose other frames"
        frames = len(self._original.timestamps)
        if self.is_segmentation and not is_whole(spans, frames):
            return f"each frame of a segmentation has a span: they follow each other from frame 0 to {frames - 1}"
        return ""

    def has(self, key: Key) -> bool:
        """Return whether the key is that of a sample, or of the spans: what an edit of spans added may be gone."""
        return key.is_spans or key in self.positions

    def about(self, key: Key) -> dict[str, Any] | None:
        """Return a dialogue as it was before the review: its values, and a hash of the spans that it leads to."""
        if key.is_spans:
            return None
        original = self.originals[self.positions[key]]
        first = original.sample.span.skill_index
        pairs = list(zip(self._original.skills, frame_ranges(self._original), strict=True))
        spans = [
            [skill.name, frames.start, frames.stop]
            for skill, frames in pairs[first : first + original.sample.question.skills]
        ]
        return {**originals(original), "spans": sha256(json.dumps(spans).encode()).hexdigest()[:16]}

    def has_skill(self, key: Key) -> bool:
        """Return whether a span has the frame of a dialogue."""
        return any(key.frame in frames for frames in self.ranges)

    def has_text(self, key: Key) -> bool:
        """Return whether a sample has a dialogue, of the run or of a person."""
        return self.originals[self.positions[key]].dialogue is not None or "user" in self._fold.outcome(key).values

    def dialogue(self, key: Key) -> Dialogue | None:
        """Return a dialogue as it was written last, also where it is rejected."""
        original, values = self.originals[self.positions[key]], self._fold.outcome(key).values
        return _written(original, values) if original.dialogue or "user" in values else None

    def original_range(self, key: Key) -> Range:
        """Return the frames over which a dialogue is in force if no person says anything of it."""
        frames = _in_force(self.episode, self.adapted)
        return frames.get(self.adapted[self.positions[key]].sample, (None, None))

    def state(self, key: Key) -> dict[str, Any]:
        """Return the state of a dialogue, or of the spans, as JSON."""
        if key.is_spans:
            return self._state_of_spans(key)
        position, outcome = self.positions[key], self._fold.outcome(key)
        start, stop = self._in_force.get(self.annotations[position].sample, (None, None))
        withdrawn = self.stale.get(key)
        values: dict[str, Any] = originals(self.originals[position]) | outcome.values
        return {
            "key": list(key),
            "sample": self._numbers[position],
            "n": outcome.n,
            "state": outcome.state if withdrawn is None else "stale",
            "flagged": outcome.flagged,
            "note": outcome.note,
            "reason": withdrawn or outcome.reason,
            "by": outcome.by,
            "at": outcome.at,
            "asked": outcome.asked,
            **values,
            "start": start,
            "stop": stop,
            "changed": sorted(outcome.values),
            "former": self._former(key) if withdrawn else [],
            "conflict": [
                {name: verdict[name] for name in DECIDED}
                | originals(self.originals[position])
                | {"start": start, "stop": stop}
                | verdict["values"]
                | {"changed": sorted(verdict["values"])}
                for verdict in outcome.conflict
            ],
        }

    def _former(self, key: Key) -> list[str]:
        """Return the skills that the text of a stale dialogue names, and that it does not lead to any more."""
        position, dialogue = self.positions[key], self.dialogue(key)
        former = self._matching.former_skills(self.originals[position], key)
        return named(dialogue, former, self.adapted[position].sample.skills) if dialogue else []

    def _state_of_spans(self, key: Key) -> dict[str, Any]:
        event, before = self._fold.spans(self._original.index), spans_of(self._original)
        original = [span.as_json() for span in before]
        settled = (it for it in self.annotations if not is_stale(it) and not is_added(it))
        spoken = {it.sample.span.skill_index for it in settled}
        places = [place for place, frames in enumerate(self.ranges) if frames]
        state: dict[str, Any] = {
            "key": list(key),
            "sample": None,
            "n": self._fold.number(key),
            "state": "edited" if event else "open",
            "by": event.author if event else None,
            "at": event.at if event else None,
            "flagged": False,
            "conflict": [
                {"by": it["by"], "at": it["at"], "state": it["state"], "spans": it["values"].get("spans", original)}
                for it in self.disputed
            ],
            "spans": [
                {**span.as_json(), "edited": span not in before, "open": place not in spoken}
                for span, place in zip(self.spans, places, strict=True)
            ],
        }
        return self._with_verdicts(state) if self.is_segmentation else state

    def _with_verdicts(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the state of the spans of a segmentation, in which each span is accepted on its own."""
        key = Key.of_spans(self._original.index)
        verdicts = span_verdicts(self.spans, spans_of(self._original), self._fold.outcome(key))
        spans = zip(state["spans"], verdicts.spans, strict=True)
        shown = [{**span, "open": False, "review": verdict} for span, verdict in spans]
        return {**state, "item": self._item, "state": verdicts.episode, "spans": shown}


def is_stale(annotation: Annotation) -> bool:
    """Return whether a dialogue was withdrawn because spans were edited."""
    return annotation.review is not None and annotation.review.state == "stale"


def _in_force(episode: Any, annotations: list[Annotation]) -> dict[Any, Range]:
    return {it.annotation.sample: (it.start, it.stop) for it in exchanges(episode, annotations)}
