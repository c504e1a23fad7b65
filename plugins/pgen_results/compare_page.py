"""Show two runs side by side as one page: their values with differences, and both dialogues of each sample."""

from collections import Counter
from heapq import nlargest
from itertools import count
from typing import Any

from pgen.formats.syn_annotations import from_line
from pgen_results.compare import Comparison, pairs, values
from pgen_results.diversity import words
from pgen_results.images import FIRST, read_images
from pgen_results.lines import Line, failure, findings, scope
from pgen_results.page import SCRIPTS, render
from pgen_results.severity import described

LISTED = 5000
"""The most samples of a page, those that differ most."""
IMAGES = 400
_HIGHER = ("answered", "as planned", "distinct-", "vocabulary")
_LOWER = ("failed", "contradicted", "marked", "flagged", "judged poorly", "self-BLEU")
"""The beginnings or ends of the names of values that are better where they are higher, or lower."""

type Pair = tuple[Line, Line]
type TableRow = tuple[str, str, str, str, str]


def compare_page(comparison: Comparison, price_in: float | None = None, price_out: float | None = None) -> str:
    """Return the comparison as HTML: the values of both runs, and both dialogues of the samples that differ most."""
    listed = _most_different(comparison)
    # Where a moment has several samples, its first one has its image read, and the others share it.
    moments = {_moment(x): (FIRST, from_line(x).sample) for _, _, (x, _) in reversed(listed)}
    images = read_images(comparison.runs[0].source, [*moments.values()], IMAGES)
    numbers = dict(zip(moments, images.numbers, strict=True))
    return render(
        "compare.html",
        (*SCRIPTS, "compare.js"),
        {
            "moments": [_shown(x, y, numbers[_moment(x)], disagreement) for disagreement, _, (x, y) in listed],
            "codes": {code: described(code) for metrics in comparison.metrics for code in metrics.checks},
            "thumbnails": images.small,
        },
        images.large,
        comparison=comparison,
        rows=table(comparison, price_in, price_out),
        listed=len(listed),
        images=len(images.small),
    )


def disagreement(x: Line, y: Line) -> float:
    """Return the share of words that only one of two dialogues has, from 0 to 1; 1 where one of them failed."""
    if "failed" in (x["status"], y["status"]):
        return float(x["status"] != y["status"])
    first, second = (Counter(words(f"{line['user_prompt']} {line['robot_utterance']}")) for line in (x, y))
    total = first.total() + second.total()
    return 1 - 2 * (first & second).total() / total if total else 0.0


def table(comparison: Comparison, price_in: float | None = None, price_out: float | None = None) -> list[TableRow]:
    """Return each name with both values, their difference, and whether that is better or worse."""
    rows = []
    for (name, left, first), (_, right, second) in values(comparison, price_in, price_out):
        delta, verdict = "", ""
        if first is not None and second is not None:
            delta, verdict = _delta(left, second - first), _verdict(name, second - first)
        rows.append((name, left, right, delta, verdict))
    return rows


def _delta(text: str, difference: float) -> str:
    """Return a difference in the form of a value."""
    if not difference:
        return "0"
    if text.endswith("%"):
        return f"{100 * difference:+.1f} points"
    decimals = len(text.partition(".")[2])
    return f"{difference:+,.{decimals}f}"


def _verdict(name: str, difference: float) -> str:
    higher = any(name.startswith(part) or name.endswith(part) for part in _HIGHER)
    lower = name.startswith(_LOWER)
    if not difference or not (higher or lower):
        return ""
    return "better" if (difference > 0) == higher else "worse"


def _most_different(comparison: Comparison) -> list[tuple[float, int, Pair]]:
    """Return the pairs of lines that differ most, each with its disagreement and its place, in their own order."""
    numbered = ((disagreement(*pair), -number, pair) for pair, number in zip(pairs(*comparison.runs), count()))
    return sorted(nlargest(LISTED, numbered, key=lambda item: item[:2]), key=lambda item: -item[1])


def _moment(line: Line) -> tuple[int, int]:
    return line["episode_index"], line["frame_index"]


def _shown(x: Line, y: Line, image: int | None, differing: float) -> dict[str, Any]:
    timestamp = x["timestamp"]
    when = f"frame {x['frame_index']}" + ("" if timestamp is None else f", {timestamp:.2f} s")
    return {
        "ep": x["episode_index"],
        "frame": x["frame_index"],
        "variant": x.get("variant", 0) + 1,
        "id": x["episode_id"],
        "when": when,
        "scope": scope(x),
        "skill": x["skill_current"],
        "image": image,
        "disagreement": round(differing, 4),
        "sides": [_side(x), _side(y)],
    }


def _side(line: Line) -> dict[str, Any]:
    return {
        "user": line["user_prompt"],
        "robot": line["robot_utterance"],
        "types": [name for name in (line["scenario_type"], line["response_type"]) if name],
        "checks": findings(line),
        "failure": failure(line),
    }
