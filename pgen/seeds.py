"""Seeds and keys that depend on content alone: not on order, process, platform or time. Hashes of compact JSON."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from functools import lru_cache
from hashlib import blake2b
from math import isfinite, nan
from struct import Struct
from typing import Any

from pgen.records import Moment, Question, Sample, SpanContext

_UNSET = Question()
_PLAIN = b"]"
"""The end of a sample's JSON where its question has no field that is set."""
_SIZE = 16
"""Bytes of a hash that identifies something."""
_pack_place = Struct(">qd").pack
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


@lru_cache(256, typed=True)
def derive(seed: int, *parts: str | int) -> int:
    """Return a seed in [0, 2**32) for `parts`, under the run's `seed`. Cached: wordings of a dialogue share it."""
    return int.from_bytes(_digest(_encode([seed, *parts]), size=4))


def sample_key(sample: Sample) -> str:
    """Return 32 hex digits that identify a sample by its content: another skill or history gives another key.

    Fields of the question that are not set are left out, so that a new field changes no earlier key.
    """
    return _digest(_sample_json(sample, _question_json(sample.question))).hex()


def journal_key(sample: Sample) -> bytes:
    """Return 32 bytes that identify a sample within its episode: its frame, its time, and a hash of all else.

    Distinguishes exactly the samples that `sample_key` does. The keys of an episode are in the order of its frames.
    """
    return next(journal_keys([sample]))


def journal_keys(samples: Iterable[Sample]) -> Iterator[bytes]:
    """Yield the journal key of each sample. What samples share is encoded once: resuming makes all keys."""
    span, moment, begun = None, None, None
    # By identity, as hashing records takes longer than all else here. Held, so that no other object gets an identity.
    ends: dict[int, tuple[Question, bytes]] = {}
    for sample in samples:
        if sample.span is not span:
            span, moment, around = sample.span, None, _span_items(sample.span)
        if sample.moment is not moment:
            moment, begun = sample.moment, None
            place = _pack_place(moment.frame_index, nan if moment.timestamp is None else moment.timestamp)
        question = sample.question
        _, end = ends.get(id(question)) or ends.setdefault(id(question), (question, _end_of(question)))
        if not (moment.clip or moment.running) and end == _PLAIN:
            yield place + _plain_digest(span, moment)
            continue
        begun = begun or blake2b(f"[{_moment_items(moment, *around)}".encode(), digest_size=_SIZE)
        whole = begun.copy()  # of `_sample_json`
        whole.update(end)
        yield place + whole.digest()


def _end_of(question: Question) -> bytes:
    """Return what follows the moment in a sample's JSON."""
    text = _question_json(question)
    return f",{text}]".encode() if text else _PLAIN


def _plain_digest(span: SpanContext, moment: Moment) -> bytes:
    """Return the hash of a sample that is no more than a frame of a span."""
    digest = _span_digest(span, moment.cameras)
    if not moment.images:
        return digest
    images = _names_json(moment.images)[1:-1]
    return blake2b(images.encode(), key=digest, digest_size=_SIZE).digest()


def sample_seed(seed: int, sample: Sample) -> int:
    """Return the seed of a moment under the run's: the same for its variants and for each turn and repair."""
    return derive(seed, _digest(f"[{_moment_json(sample)}]").hex())


def request_seed(seed: int, sample: Sample) -> int:
    """Return the seed of a request: that of its moment, or another for a variant and for a second request.

    `sample` is the first that the request asks for.
    """
    if sample.question.variant:
        seed = derive(seed, "variant", sample.question.variant)
    return derive(seed, "again", sample.question.problem) if sample.question.problem else seed


def _sample_json(sample: Sample, question: str) -> str:
    """Return the JSON whose hash is the key of a sample. Its parts are encoded once for all samples that share them."""
    return f"[{_moment_json(sample)},{question}]" if question else f"[{_moment_json(sample)}]"


def _moment_json(sample: Sample) -> str:
    """Return the items that identify a moment. Order and form are those of every key in a journal."""
    return _moment_items(sample.moment, *_span_items(sample.span))


def _moment_items(moment: Moment, before: str, after: str) -> str:
    """Return the items of a moment, between and after those of its span."""
    items = f"{before}{moment.frame_index},{_number(moment.timestamp)}{after}"
    items += f"{_names_json(moment.cameras)},{_names_json(moment.images)}"
    items += f",{_encode(moment.clip)}" if moment.clip else ""
    return f'{items},{{"running":{_number(moment.running)}}}' if moment.running else items


def _number(value: float | None) -> str:
    # As the encoder does, which takes longer to be set up than for a number.
    return float.__repr__(value) if isinstance(value, float) and isfinite(value) else _encode(value)


def _names_json(names: tuple[str, ...]) -> str:
    if not names:
        return "[]"
    return f"[{','.join(map(_encode, names))}]"


@lru_cache(256)
def _span_items(span: SpanContext) -> tuple[str, str]:
    """Return the items of a span that are before the frame and the time of a moment, and those after."""
    return f"{span.episode_index},{_encode(span.episode_id)},", f",{_encode(_span_fields(span))[1:-1]},"


def _span_fields(span: SpanContext) -> tuple[Any, ...]:
    fields = span.skill_index, span.skill, span.history, span.future, span.task
    extras = {name: value for name in ("elsewhere", "phases", "failed") if (value := getattr(span, name))}
    return (*fields, extras) if extras else fields


@lru_cache(256)
def _question_json(question: Question) -> str:
    """Return the fields that are set, or "" where none is."""
    if question == _UNSET:
        return ""
    values = ((name, getattr(question, name)) for name in Question.__match_args__)
    fields: dict[str, Any] = {name: value for name, value in values if value != getattr(_UNSET, name)}
    if question.about:
        fields["about"] = astuple(question.about)
    return _encode(fields)


@lru_cache(256)
def _span_digest(span: SpanContext, cameras: tuple[str, ...]) -> bytes:
    """The part of a journal key that a span's samples share; cached, as resuming makes the key of every sample."""
    return _digest(_encode([span.episode_id, *_span_fields(span), cameras]))


def _digest(text: str, size: int = _SIZE) -> bytes:
    return blake2b(text.encode(), digest_size=size).digest()
