"""Samples that differ from another in some of their fields."""

from dataclasses import replace

from pgen.records import Sample


def altered(sample: Sample, **fields: object) -> Sample:
    """Return the sample with these fields of its span, moment or question, whichever has them."""
    parts = (sample.span, sample.moment, sample.question)
    changes = [{name: fields.pop(name) for name in part.__match_args__ if name in fields} for part in parts]
    assert not fields, f"a sample has no {', '.join(fields)}"
    return Sample(*(replace(part, **change) for part, change in zip(parts, changes, strict=True)))
