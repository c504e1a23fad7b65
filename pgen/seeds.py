"""Seeds and keys that depend on content alone: not on order, process, platform or time."""

import json
from dataclasses import fields
from hashlib import blake2b
from operator import attrgetter

from pgen.records import Sample

# Built once: `astuple`, which copies, and `json.dumps`, which builds an encoder, cost three times as much.
_said = attrgetter(*(field.name for field in fields(Sample)))
_text = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def derive(seed: int, *parts: str | int) -> int:
    """A seed in [0, 2**32) for `parts`, under the run's `seed`."""
    return int.from_bytes(blake2b(_text([seed, *parts]).encode(), digest_size=4).digest())


def sample_key(sample: Sample) -> str:
    """32 hex digits that name a sample by all it says: another skill or history is another key.

    What it leaves unsaid has no part in it, so that a new field changes no key that was given before.
    """
    said = _said(sample)
    return blake2b(_text(said if sample.clip else said[:-1]).encode(), digest_size=16).hexdigest()
