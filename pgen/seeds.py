"""Seeds and keys that depend on content alone: not on order, process, platform or time. Hashes of compact JSON."""

import json
from dataclasses import astuple
from functools import lru_cache
from hashlib import blake2b
from math import nan
from struct import Struct
from typing import Any

from pgen.records import Question, Sample, SpanContext

_UNSET = Question()
_pack_place = Struct(">qd").pack
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def derive(seed: int, *parts: str | int) -> int:
    """Return a seed in [0, 2**32) for `parts`, under the run's `seed`."""
    return int.from_bytes(_hash([seed, *parts], size=4))


def sample_key(sample: Sample) -> str:
    """Return 32 hex digits that identify a sample by its content: another skill or history gives another key.

    Fields of the question that are not set are left out, so that a new field changes no earlier key.
    """
    fields, question = _moment_fields(sample), _question_fields(sample.question)
    return _hash([*fields, question] if question else fields).hex()


def journal_key(sample: Sample) -> bytes:
    """Return 32 bytes that identify a sample within its episode: its frame, its time, and a hash of all else.

    Distinguishes exactly the samples that `sample_key` does. The keys of an episode are in the order of its frames.
    """
    moment = sample.moment
    place = _pack_place(moment.frame_index, nan if moment.timestamp is None else moment.timestamp)
    if moment.clip or moment.running or _question_fields(sample.question):
        return place + bytes.fromhex(sample_key(sample))
    span = _span_digest(sample.span, moment.cameras)
    if not moment.images:
        return place + span
    images = _encode(moment.images)[1:-1]
    return place + blake2b(images.encode(), key=span, digest_size=16).digest()


def sample_seed(seed: int, sample: Sample) -> int:
    """Return the seed of a moment under the run's: the same for its variants and for each turn and repair."""
    return derive(seed, _hash(_moment_fields(sample)).hex())


def request_seed(seed: int, sample: Sample) -> int:
    """Return the seed of a request: that of its moment, or another for a variant and for a second request.

    `sample` is the first that the request asks for.
    """
    if sample.question.variant:
        seed = derive(seed, "variant", sample.question.variant)
    return derive(seed, "again", sample.question.problem) if sample.question.problem else seed


def _moment_fields(sample: Sample) -> list[Any]:
    """What identifies a moment. Order and form are those of every key in a journal."""
    span, moment = sample.span, sample.moment
    fields = [
        span.episode_index,
        span.episode_id,
        moment.frame_index,
        moment.timestamp,
        *_span_fields(span),
        moment.cameras,
        moment.images,
    ]
    fields += [moment.clip] if moment.clip else []
    return [*fields, {"running": moment.running}] if moment.running else fields


def _span_fields(span: SpanContext) -> tuple[Any, ...]:
    fields = span.skill_index, span.skill, span.history, span.future, span.task
    extras = {name: value for name in ("elsewhere", "phases", "failed") if (value := getattr(span, name))}
    return (*fields, extras) if extras else fields


@lru_cache(256)
def _question_fields(question: Question) -> dict[str, Any]:
    """The fields that are set; cached, as most moments of an episode have the same questions."""
    if question == _UNSET:
        return {}
    values = ((name, getattr(question, name)) for name in Question.__match_args__)
    fields: dict[str, Any] = {name: value for name, value in values if value != getattr(_UNSET, name)}
    if question.about:
        fields["about"] = astuple(question.about)
    return fields


@lru_cache(256)
def _span_digest(span: SpanContext, cameras: tuple[str, ...]) -> bytes:
    """The part of a journal key that a span's samples share; cached, as resuming makes the key of every sample."""
    return _hash([span.episode_id, *_span_fields(span), cameras])


def _hash(fields: list[Any], size: int = 16) -> bytes:
    return blake2b(_encode(fields).encode(), digest_size=size).digest()
