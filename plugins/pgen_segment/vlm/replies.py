"""Replies as answers: parsed strictly, then leniently; `pgen_segment.spans.parse` reads what a model calls a time."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from pgen.errors import SampleError
from pgen.formats.schemas import compiled, first_error
from pgen.inference.json_objects import objects
from pgen.records import Episode, Reply
from pgen_segment.spans.parse import parse_spans


def said(reply: Reply, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one object of the reply that fits. Raises SampleError."""
    found = {json.dumps(one, sort_keys=True): one for one in objects(reply)}
    problems = {key: first_error(compiled(schema), one) for key, one in found.items()}
    fitting = [one for key, one in found.items() if problems[key] is None]
    if len(fitting) > 1:
        raise SampleError("parse", f"the reply holds {len(fitting)} answers where one is wanted.")
    if not fitting:
        raise SampleError("schema", f"{next(iter(problems.values()))}, in {reply.text[:200]!r}")
    return fitting[0]


def spans(reply: Reply, episode: Episode, name: Callable[[Any], str]) -> list[dict[str, Any]]:
    """The spans of a reply that can be read, in any of their forms; `name` reads a name. Raises SampleError."""
    found = objects(reply)
    lists = [one["skills"] for one in found if isinstance(one.get("skills"), list)]
    if len({json.dumps(each, sort_keys=True) for each in lists}) > 1:
        raise SampleError("parse", f"the reply holds {len(lists)} lists of skills where one is wanted.")
    given: list[Any] = lists[0] if lists else [one for one in found if "name" in one]
    usable = [_plain(span, name) for span in given if isinstance(span, dict)]
    parse_spans(usable, episode, Counter())
    return usable


def _plain(span: dict[str, Any], name: Callable[[Any], str]) -> dict[str, Any]:
    kept: dict[str, Any] = {key: span[key] for key in ("name", "start", "end") if key in span}
    if isinstance(kept.get("name"), str):
        kept["name"] = name(kept["name"])
    return kept
