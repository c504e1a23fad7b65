"""Seeds and keys that depend on content alone: not on order, process, platform or time.

Both are hashes of compact JSON. It is put together from parts, those that all samples of a span share being
encoded once: a run names each of its samples several times, and an encoder is built for each call.
"""

import json
from dataclasses import astuple
from functools import lru_cache
from hashlib import blake2b
from json.encoder import encode_basestring_ascii
from math import nan
from struct import Struct

from pgen.records import Sample

_FURTHER = ("variant", "turn_type", "turns", "about", "problem")
_place = Struct(">qd").pack
_text = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def derive(seed: int, *parts: str | int) -> int:
    """A seed in [0, 2**32) for `parts`, under the run's `seed`."""
    told = ",".join([encode_basestring_ascii(part) if isinstance(part, str) else str(part) for part in (seed, *parts)])
    return int.from_bytes(blake2b(f"[{told}]".encode(), digest_size=4).digest())


def sample_key(sample: Sample) -> str:
    """32 hex digits that name a sample by all it says: another skill or history is another key.

    What it leaves unsaid has no part in it, so that a new field changes no key that was given before.
    """
    if not (sample.variant or sample.turn_type or sample.turns or sample.about or sample.problem):
        return _moment_key(sample)
    told = {name: value for name in _FURTHER if (value := getattr(sample, name))}
    if sample.about:
        told["about"] = astuple(sample.about)
    return _hash(f"{_moment(sample)},{_text(told)}]")


def journal_key(sample: Sample) -> bytes:
    """32 bytes that name a sample within its episode: its frame, its time, and a hash of all else that it says.

    It tells apart what `sample_key` does. Of most samples that hash is the one of their span, which is made once:
    a run that goes on makes the key of every sample there is. Keys of an episode are in the order of its frames.
    """
    time = sample.timestamp
    place = _place(sample.frame_index, nan if time is None else time)
    if sample.variant or sample.turn_type or sample.turns or sample.about or sample.problem or sample.clip:
        return place + bytes.fromhex(sample_key(sample))
    span = _span_digest(sample.episode_id, *_shared(sample))
    if not sample.images:
        return place + span
    return place + blake2b(_listed(sample.images).encode(), key=span, digest_size=16).digest()


def sample_seed(seed: int, sample: Sample) -> int:
    """The seed of a moment under the run's: the same for its variants, whatever was said or asked before."""
    return derive(seed, _moment_key(sample))


def request_seed(seed: int, sample: Sample) -> int:
    """The seed of what is asked about a moment: the moment's own, or another for a variant and a further asking."""
    if sample.variant:
        seed = derive(seed, "variant", sample.variant)
    return derive(seed, "again", sample.problem) if sample.problem else seed


def _moment_key(sample: Sample) -> str:
    return _hash(f"{_moment(sample)}]")


def _moment(sample: Sample) -> str:
    """The beginning of a sample's JSON: what it says of its moment, in the order of its fields."""
    time = sample.timestamp
    told = repr(time) if type(time) is float and time - time == 0 else _text(time)
    span, images = _span(*_shared(sample)), _listed(sample.images)
    start = f"[{sample.episode_index},{encode_basestring_ascii(sample.episode_id)},{sample.frame_index},{told}"
    return f"{start},{span},[{images}],{_text(sample.clip)}" if sample.clip else f"{start},{span},[{images}]"


def _shared(sample: Sample) -> tuple[object, ...]:
    """What all samples of a span say, in the order of their fields."""
    return (
        sample.skill_index,
        sample.skill_current,
        sample.skill_history,
        sample.skill_future,
        sample.task_description,
        sample.cameras,
    )


def _listed(texts: tuple[str, ...]) -> str:
    return ",".join(map(encode_basestring_ascii, texts))


@lru_cache(256)
def _span(*shared: object) -> str:
    return _text(shared)[1:-1]


@lru_cache(256)
def _span_digest(*shared: object) -> bytes:
    return blake2b(_text(shared).encode(), digest_size=16).digest()


def _hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=16).hexdigest()
