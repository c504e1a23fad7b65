"""What is the same for all samples of a span, worked out once."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate

from pgen.records import Sample

_KEPT = 256


def once_a_span[**P, T](work: Callable[Concatenate[Sample, P], T]) -> Callable[Concatenate[Sample, P], T]:
    """`work`, which looks at nothing of a sample but its task and skills, done once for samples that agree in these."""
    known: dict[tuple[object, ...], T] = {}

    @wraps(work)
    def looked_up(sample: Sample, /, *rest: P.args, **named: P.kwargs) -> T:
        span = sample.span.task, sample.span.skill, sample.span.history, sample.span.future
        key = (*span, *rest, *named.items())
        try:
            return known[key]
        except KeyError:
            if len(known) >= _KEPT:
                known.clear()
            return known.setdefault(key, work(sample, *rest, **named))

    return looked_up
