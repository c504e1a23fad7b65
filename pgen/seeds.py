"""Seeds and keys that depend on content alone: not on order, process, platform or time."""

import json
from dataclasses import astuple
from hashlib import blake2b

from pgen.records import Sample


def derive(seed: int, *parts: str | int) -> int:
    """A seed in [0, 2**32) for `parts`, under the run's `seed`."""
    text = json.dumps([seed, *parts], ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest())


def sample_key(sample: Sample) -> str:
    """32 hex digits that name a sample by all it says: another skill or history is another key.

    What it leaves unsaid has no part in it, so that a new field changes no key that was given before.
    """
    said = astuple(sample) if sample.clip else astuple(sample)[:-1]
    text = json.dumps(said, ensure_ascii=True, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=16).hexdigest()
