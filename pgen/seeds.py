"""Seeds and keys that depend on content alone: not on order, process, platform or time."""

import json
from dataclasses import astuple, fields, replace
from hashlib import blake2b
from operator import attrgetter

from pgen.records import Sample

_FURTHER = ("variant", "turn_type", "turns", "about", "problem")
_NAMES = [field.name for field in fields(Sample)]
# Built once: `astuple`, which copies, and `json.dumps`, which builds an encoder, cost three times as much.
_plain = attrgetter(*_NAMES[: _NAMES.index("clip") + 1])
_text = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def derive(seed: int, *parts: str | int) -> int:
    """A seed in [0, 2**32) for `parts`, under the run's `seed`."""
    return int.from_bytes(blake2b(_text([seed, *parts]).encode(), digest_size=4).digest())


def sample_key(sample: Sample) -> str:
    """32 hex digits that name a sample by all it says: another skill or history is another key.

    What it leaves unsaid has no part in it, so that a new field changes no key that was given before.
    """
    said = _plain(sample) if sample.clip else _plain(sample)[:-1]
    if told := {name: value for name in _FURTHER if (value := getattr(sample, name))}:
        said = (*said, {name: astuple(value) if name == "about" else value for name, value in told.items()})
    return blake2b(_text(said).encode(), digest_size=16).hexdigest()


def sample_seed(seed: int, sample: Sample) -> int:
    """The seed of a moment under the run's: the same for its variants, whatever was said or asked before."""
    return derive(seed, sample_key(replace(sample, variant=0, turn_type=None, turns=(), about=None, problem="")))


def request_seed(seed: int, sample: Sample) -> int:
    """The seed of what is asked about a moment: the moment's own, or another for a variant and a further asking."""
    if sample.variant:
        seed = derive(seed, "variant", sample.variant)
    return derive(seed, "again", sample.problem) if sample.problem else seed
