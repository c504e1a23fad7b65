"""Seeds and keys that depend on content alone: not on order, process, platform or time."""

import json
from dataclasses import astuple, fields, replace
from hashlib import blake2b

from pgen.records import Sample

_FURTHER = ("variant", "turn_type", "turns", "about", "problem")
_PLAIN = [field.name for field in fields(Sample)].index("clip")


def derive(seed: int, *parts: str | int) -> int:
    """A seed in [0, 2**32) for `parts`, under the run's `seed`."""
    text = json.dumps([seed, *parts], ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest())


def sample_key(sample: Sample) -> str:
    """32 hex digits that name a sample by all it says: another skill or history is another key.

    What it leaves unsaid has no part in it, so that a new field changes no key that was given before.
    """
    plain, further = astuple(sample)[:_PLAIN], {name: getattr(sample, name) for name in _FURTHER}
    said = [*plain, *([sample.clip] if sample.clip else [])]
    if told := {name: value for name, value in further.items() if value}:
        said.append({name: astuple(value) if name == "about" else value for name, value in told.items()})
    text = json.dumps(said, ensure_ascii=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()


def sample_seed(seed: int, sample: Sample) -> int:
    """The seed of a moment under the run's: the same for its variants, whatever was said or asked before."""
    return derive(seed, sample_key(replace(sample, variant=0, turn_type=None, turns=(), about=None, problem="")))


def request_seed(seed: int, sample: Sample) -> int:
    """The seed of what is asked about a moment: the moment's own, or another for a variant and a further asking."""
    if sample.variant:
        seed = derive(seed, "variant", sample.variant)
    return derive(seed, "again", sample.problem) if sample.problem else seed
