"""The events of a request, validated: what is wrong is said in one sentence, and nothing of the request is stored."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pgen.labels import allowed_frames
from pgen.records import Annotation
from pgen_dialogue.prompts import MAX_LENGTH, SAYABLE
from pgen_review.events import ACCEPT_SPANS, EDITS, KINDS, SPANS, Key
from pgen_review.reviewed import ReviewedEpisode, originals
from pgen_review.spans import Span, problem

type Json = dict[str, Any]

MOST, _ASKED = 2000, 200
"""Events of a request, and how often a model is asked about one text."""
_REASON, _NOTE, _ID, _NAME = 500, 2000, 64, 200
_SAYABLE = re.compile(SAYABLE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class InvalidEventError(Exception):
    """Raised for an event that cannot be stored."""


class ConflictError(Exception):
    """Raised where a request is based on an older state; `answer` holds the present one."""

    def __init__(self, reason: str, **answer: Any) -> None:
        super().__init__(reason)
        self.answer: Json = {"error": reason, **answer}


class Posted(NamedTuple):
    """An event as the client sent it."""

    id: str
    key: Key
    base: int
    kind: str
    content: Mapping[str, Any]


def posted(content: Any) -> Posted:
    """Return an event of a request. Raises InvalidEventError where it lacks a member, or has one of another type."""
    if not isinstance(content, dict):
        raise InvalidEventError("An event must be a JSON object.")
    key, base, kind = key_of(content), content.get("base"), content.get("kind")
    if not isinstance(base, int) or kind not in KINDS:
        raise InvalidEventError(f"An event needs the number `base`, and a `kind` of {', '.join(KINDS)}.")
    event = Posted(identity(content), key, base, str(kind), content)
    of_spans = kind in (SPANS, ACCEPT_SPANS)
    if event.key.is_spans != of_spans or (of_spans and event.key != Key.of_spans(event.key.episode)):
        kinds = f"The kinds {SPANS} and {ACCEPT_SPANS}, and no others,"
        raise InvalidEventError(f"{kinds} need the key [episode, 0, {SPANS!r}, 0].")
    return event


def key_of(content: Mapping[str, Any]) -> Key:
    """Return the key that a request names."""
    key = content.get("key")
    if not (isinstance(key, list) and [type(part) for part in key] == [int, int, str, int]):
        raise InvalidEventError("`key` must be a list of episode, frame, scope and variant.")
    return Key(*key)


def reason_of(content: Mapping[str, Any]) -> str:
    """Return the reason of a request, in one line."""
    return " ".join(_text(content, "reason", _REASON).split())


def identity(content: Mapping[str, Any]) -> str:
    """Return the client's id of an event."""
    name = content.get("id")
    if not isinstance(name, str) or not 8 <= len(name) <= _ID or not name.isascii() or not name.isprintable():
        raise InvalidEventError(f"`id` must be a text of 8 to {_ID} characters, such as a UUID.")
    return name


def value_of(
    event: Posted, episode: ReviewedEpisode, types: Mapping[str, Iterable[str]], *, spoken: bool
) -> dict[str, Any]:
    """Return what is stored of an event. `spoken` is whether its sample has a text by now; `types` are the known ones.

    Raises InvalidEventError.
    """
    if event.key.is_spans:
        return (_spans if event.kind == SPANS else _accepted)(event.content, episode)
    if event.kind in ("accept", *EDITS) and not episode.has_skill(event.key):
        raise InvalidEventError("No skill goes on at the frame of this dialogue; let a span have the frame first.")
    if event.kind in ("accept", "edit_types", "edit_range") and not spoken:
        raise InvalidEventError("This sample has no dialogue; write its text first.")
    kind, content = event.kind, event.content
    if kind == "flag":
        if not isinstance(content.get("on"), bool):
            raise InvalidEventError("`on` must be true or false.")
        return {"on": content["on"]}
    if kind == "note":
        return {"text": _text(content, "text", _NOTE, least=0)}
    if kind == "reject":
        return {"reason": reason_of(content)}
    return _edit(event, episode, types) if kind in EDITS else {}


def _edit(event: Posted, episode: ReviewedEpisode, types: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    names = EDITS[event.kind]
    position = episode.positions[event.key]
    if event.kind == "edit_range":
        frames = dict(zip(names, episode.original_range(event.key), strict=True))
        return {**_range(event.content, episode, episode.annotations[position]), "was": frames}
    values = originals(episode.originals[position])
    was = {name: values[name] for name in names}
    written = {name: _sayable(event.content, name) for name in names if name in EDITS["edit_text"]}
    typed = {name: _type(event.content, name, types[name], str(was[name])) for name in names if name in types}
    return {**written, **typed, **(_taken(event.content) if event.kind == "take" else {}), "was": was}


def _taken(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what wrote the dialogue that is taken, and how often it was asked for it."""
    asked = content.get("asked")
    if type(asked) is not int or not 1 <= asked <= _ASKED:
        raise InvalidEventError(f"`asked` must be a number from 1 to {_ASKED}.")
    return {"asked": asked, "generator": _text(content, "generator", _ID)}


def _range(content: Mapping[str, Any], episode: ReviewedEpisode, annotation: Annotation) -> dict[str, int]:
    start, stop = content.get("start"), content.get("stop")
    allowed = allowed_frames(annotation, episode.ranges)
    if type(start) is not int or type(stop) is not int or not allowed.start <= start < stop <= allowed.stop:
        raise InvalidEventError(
            f"`start` and `stop` must be frames from {allowed.start} to {allowed.stop}, those of the skills that the "
            "dialogue leads to, with a frame between them."
        )
    return {"start": start, "stop": stop}


def _spans(content: Mapping[str, Any], episode: ReviewedEpisode) -> dict[str, Any]:
    """Return all spans of an episode before and after an event."""
    after = _listed(content)
    if broken := problem(after, len(episode.episode.timestamps)) or episode.unwritable(after):
        raise InvalidEventError(f"{broken[0].upper()}{broken[1:]}.")
    return {"before": [span.as_json() for span in episode.spans], "after": [span.as_json() for span in after]}


def _accepted(content: Mapping[str, Any], episode: ReviewedEpisode) -> dict[str, Any]:
    """Return the spans that are accepted, and all spans of the episode as they are."""
    if not episode.is_segmentation:
        raise InvalidEventError("Spans are accepted in a segmentation without dialogue; accept the dialogues here.")
    spans = _listed(content)
    if others := [span for span in spans if span not in episode.spans]:
        raise InvalidEventError(f"There is no span {others[0].name!r} at these frames.")
    if episode.disputed and len(spans) < len(episode.spans):
        raise InvalidEventError("People edited these spans differently; take the spans of one of them first.")
    return {"before": [span.as_json() for span in episode.spans], "spans": [span.as_json() for span in spans]}


def _listed(content: Mapping[str, Any]) -> list[Span]:
    sent = content.get("spans")
    if not isinstance(sent, list) or not all(isinstance(span, dict) for span in sent):
        raise InvalidEventError("`spans` must be a list of objects with `name`, `start` and `stop`.")
    return [_span(span) for span in sent]


def _span(content: Mapping[str, Any]) -> Span:
    start, stop, failed = content.get("start"), content.get("stop"), content.get("failed", False)
    if type(start) is not int or type(stop) is not int or not isinstance(failed, bool):
        raise InvalidEventError("`start` and `stop` of a span must be frames, and `failed` true or false.")
    name = " ".join(_text(content, "name", _NAME).split())
    return Span(name, start, stop, failed)


def _sayable(content: Mapping[str, Any], name: str) -> str:
    text = " ".join(_text(content, name, MAX_LENGTH).split())
    if not _SAYABLE.match(text):
        raise InvalidEventError(f"`{name}` must be one line without `|` and without control characters.")
    return text


def _type(content: Mapping[str, Any], name: str, types: Iterable[str], was: str) -> str | None:
    value = content.get(name)
    if value is not None and value != was and value not in types:
        raise InvalidEventError(f"`{name}` must be null or one of {', '.join(types)}.")
    return value


def _text(content: Mapping[str, Any], name: str, most: int, least: int = 1) -> str:
    text = content.get(name)
    if not isinstance(text, str) or not least <= len(text.strip()) or len(text) > most:
        raise InvalidEventError(f"`{name}` must be a text of {least} to {most:,} characters.")
    if _CONTROL.search(text):
        raise InvalidEventError(f"`{name}` contains a control character; remove it.")
    return text
