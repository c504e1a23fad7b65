"""The spans of a reply; `pgen_segment.spans.parse` reads what a model writes as a time."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from pgen.errors import SampleError
from pgen.inference.json_objects import objects
from pgen.records import Episode, Reply
from pgen_segment.spans import parse


def parse_spans(reply: Reply, episode: Episode, parse_name: Callable[[Any], str]) -> list[dict[str, Any]]:
    """Return the spans of a reply that can be read, in any of their forms. Raises SampleError."""
    items = objects(reply)
    lists = [item["skills"] for item in items if isinstance(item.get("skills"), list)]
    if len({json.dumps(spans, sort_keys=True) for spans in lists}) > 1:
        raise SampleError("parse", f"the reply holds {len(lists)} lists of skills where one is wanted.")
    spans: list[Any] = lists[0] if lists else [item for item in items if "name" in item]
    usable = [_known_fields(span, parse_name) for span in spans if isinstance(span, dict)]
    parse.parse_spans(usable, episode, Counter())
    return usable


def _known_fields(span: dict[str, Any], parse_name: Callable[[Any], str]) -> dict[str, Any]:
    fields: dict[str, Any] = {key: span[key] for key in ("name", "start", "end") if key in span}
    if isinstance(fields.get("name"), str):
        fields["name"] = parse_name(fields["name"])
    return fields
