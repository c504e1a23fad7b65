"""Compare two runs on the samples that both have: their metrics, and their dialogues side by side."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pgen.errors import InputError
from pgen.records import SCOPES, Episode
from pgen.safety.terminal import printable
from pgen_results.lines import Line, is_failure, reasons, scope
from pgen_results.metrics import KINDS, Metrics, compute_metrics, cost
from pgen_results.page import open_thumbnails, render
from pgen_results.read import RunResults

LISTED = 5000
"""The most samples of a page."""
THUMBNAILS = 400
WIDTH = 36
"""Characters of a cell in the terminal's table."""

type Key = tuple[str, int, int, str, str, int]
type Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, reduced to the samples that both have. `same` counts the samples with the same dialogue in both."""

    runs: tuple[RunResults, RunResults]
    samples: tuple[int, int]
    """Of each whole run."""
    metrics: tuple[Metrics, Metrics]
    same: int


def compare_runs(first: RunResults, second: RunResults) -> Comparison:
    """Match two runs by their samples. Raises InputError where they have none in common."""
    keys = [[_key(line) for _, lines in run.read() for line in lines] for run in (first, second)]
    common = set(keys[0]) & set(keys[1])
    if not common:
        raise InputError(f"{first.name} and {second.name} have no sample in common: compare two runs on one dataset.")
    a, b = _only(first, common), _only(second, common)
    same = sum(x["status"] == "ok" and _dialogue(x) == _dialogue(y) for x, y in _pairs(a, b))
    return Comparison((a, b), (len(keys[0]), len(keys[1])), (compute_metrics(a), compute_metrics(b)), same)


def rows(comparison: Comparison, price_in: float | None = None, price_out: float | None = None) -> list[Row]:
    """Return each name with the values of both runs. Tokens, time and cost are those of the whole runs."""
    columns = [_column(*side) for side in zip(comparison.runs, comparison.samples, comparison.metrics, strict=True)]
    for column, run in zip(columns, comparison.runs, strict=True):
        price = cost(run.manifest, price_in, price_out)
        column += [] if price is None else [("cost", f"{price:,.2f}")]
    return [(name, left, right) for (name, left), (_, right) in zip(*columns, strict=True)]


def compare_text(comparison: Comparison, price_in: float | None = None, price_out: float | None = None) -> str:
    """Return the comparison as a table of text."""
    table = [("", *(run.name for run in comparison.runs)), *rows(comparison, price_in, price_out)]
    cells = [tuple(" ".join(cell.split())[:WIDTH] for cell in row) for row in table]
    width = max(len(row[1]) for row in cells) + 2
    lines = [f"{name:<26}{left:<{width}}{right}" for name, left, right in cells]
    same = f"same words: {comparison.same:,} of {comparison.metrics[0].samples:,} samples"
    return printable("\n".join([*lines, "", same]))


def compare_page(comparison: Comparison, price_in: float | None = None, price_out: float | None = None) -> str:
    """Return the comparison as HTML, with both dialogues of each sample."""
    a, b = comparison.runs
    listed = min(LISTED, comparison.metrics[0].samples)
    with open_thumbnails(a.source, listed, THUMBNAILS) as thumbnails:
        moments = [
            {**_moment(x), "image": thumbnails.of_line(x), "sides": [_side(x), _side(y)]}
            for _, (x, y) in zip(range(listed), _pairs(a, b), strict=False)
        ]
    return render(
        "compare.html",
        ("page.js", "compare.js"),
        {"moments": moments, "thumbnails": thumbnails.images},
        comparison=comparison,
        rows=rows(comparison, price_in, price_out),
        listed=listed,
        images=len(thumbnails.images),
    )


def _column(run: RunResults, samples: int, metrics: Metrics) -> list[tuple[str, str]]:
    """Return the names and values of one run; diversity is that of the user prompts."""
    manifest, prompts = run.manifest, metrics.prompts
    tokens = manifest["tokens"]
    return [
        ("generator", str(manifest["generator"]["name"])),
        ("model", str(manifest["generator"]["model"] or "none")),
        ("prompt", f"{manifest['prompt']['name']}, {manifest['prompt']['hash'][:12]}"),
        ("seed", str(manifest["run"].get("seed"))),
        ("samples in both", f"{metrics.samples:,} of {samples:,}"),
        ("answered", f"{metrics.answered:,}"),
        ("failed", f"{metrics.failed.total():,}"),
        ("contradicted by images", f"{metrics.contradicted:,}"),
        *((f"{name} answered", _of_scope(metrics, name)) for name in SCOPES),
        ("marked by checks", f"{metrics.checks.total():,}" if metrics.checked else "not checked"),
        *((f"{kind.replace('_', ' ')} as planned", _agreement(metrics, kind)) for kind in KINDS),
        *((f"distinct-{n}", f"{prompts.distinct[n - 1]:.3f}") for n in (1, 2, 3)),
        ("self-BLEU", f"{prompts.self_bleu:.3f}"),
        ("vocabulary", f"{prompts.vocabulary:,}"),
        ("words a user prompt", f"{prompts.mean_length:.1f}"),
        ("words an utterance", f"{metrics.utterances.mean_length:.1f}"),
        ("tokens in, out", f"{tokens['in']:,}, {tokens['out']:,}"),
        ("seconds", f"{manifest['times']['seconds']:,.1f}"),
    ]


def _of_scope(metrics: Metrics, name: str) -> str:
    counts = metrics.scopes.get(name)
    return f"{counts.answered:,} of {counts.samples:,}" if counts else "none"


def _agreement(metrics: Metrics, kind: str) -> str:
    planned = metrics.answered and metrics.planned[kind]
    return f"{metrics.agreed[kind] / metrics.answered:.1%}" if planned else "not planned"


def _key(line: Line) -> Key:
    moment = line["episode_id"], line["frame_index"], line["skill_index"], line["skill_current"]
    return *moment, scope(line), line.get("variant", 0)


def _only(run: RunResults, keys: set[Key]) -> RunResults:
    def read() -> Iterator[tuple[Episode, list[Line]]]:
        for episode, lines in run.read():
            if common := [line for line in lines if _key(line) in keys]:
                yield episode, common

    return replace(run, read=read)


def _pairs(a: RunResults, b: RunResults) -> Iterator[tuple[Line, Line]]:
    others = {_key(line): line for _, lines in b.read() for line in lines}
    for _, lines in a.read():
        yield from ((line, others[_key(line)]) for line in lines)


def _dialogue(line: Line) -> tuple[Any, Any]:
    return line["user_prompt"], line["robot_utterance"]


def _moment(line: Line) -> dict[str, Any]:
    timestamp = line["timestamp"]
    when = f"frame {line['frame_index']}" if timestamp is None else f"{timestamp:.1f} s"
    return {"id": line["episode_id"], "when": when, "scope": scope(line), "skill": line["skill_current"]}


def _side(line: Line) -> dict[str, Any]:
    return {
        "user": line["user_prompt"],
        "robot": line["robot_utterance"],
        "failed": is_failure(line),
        "types": [name for name in (line["scenario_type"], line["response_type"]) if name],
        "reasons": reasons(line),
    }
