"""Compare two runs on the samples that both have: their metrics, as rows and as a table of text."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pgen.errors import InputError
from pgen.records import SCOPES, Episode
from pgen.safety.terminal import printable
from pgen_results.counts import Metrics
from pgen_results.lines import KINDS, Line, scope
from pgen_results.metrics import compute_metrics, cost
from pgen_results.read import RunResults

WIDTH = 36
"""Characters of a cell in the terminal's table."""

type Key = tuple[str, int, int, str, str, int]
type Row = tuple[str, str, str]
type Value = tuple[str, str, float | None]
"""A name, a value as text, and as a number where a difference of it says something."""


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
    same = sum(x["status"] == "ok" and _dialogue(x) == _dialogue(y) for x, y in pairs(a, b))
    return Comparison((a, b), (len(keys[0]), len(keys[1])), (compute_metrics(a), compute_metrics(b)), same)


def rows(comparison: Comparison, price_in: float | None = None, price_out: float | None = None) -> list[Row]:
    """Return each name with the values of both runs. Tokens, time and cost are those of the whole runs."""
    return [(name, left, right) for (name, left, _), (_, right, _) in values(comparison, price_in, price_out)]


def values(comparison: Comparison, price_in: float | None, price_out: float | None) -> list[tuple[Value, Value]]:
    """Return each value of both runs."""
    columns = [_column(*side) for side in zip(comparison.runs, comparison.samples, comparison.metrics, strict=True)]
    for column, run in zip(columns, comparison.runs, strict=True):
        price = cost(run.manifest, price_in, price_out)
        column += [] if price is None else [("cost", f"{price:,.2f}", price)]
    return list(zip(*columns, strict=True))


def compare_text(comparison: Comparison, price_in: float | None = None, price_out: float | None = None) -> str:
    """Return the comparison as a table of text."""
    table = [("", *(run.name for run in comparison.runs)), *rows(comparison, price_in, price_out)]
    cells = [tuple(" ".join(cell.split())[:WIDTH] for cell in row) for row in table]
    width = max(len(row[1]) for row in cells) + 2
    lines = [f"{name:<26}{left:<{width}}{right}" for name, left, right in cells]
    same = f"same words: {comparison.same:,} of {comparison.metrics[0].samples:,} samples"
    return printable("\n".join([*lines, "", same]))


def _column(run: RunResults, samples: int, metrics: Metrics) -> list[Value]:
    """Return the values of one run; diversity is that of the user prompts."""
    manifest, prompts = run.manifest, metrics.prompts
    tokens, seconds = manifest["tokens"], manifest["times"]["seconds"]
    images = tokens.get("images")
    flagged = metrics.flagged["error"] if metrics.checked else None
    return [
        ("generator", str(manifest["generator"]["name"]), None),
        ("model", str(manifest["generator"]["model"] or "none"), None),
        ("prompt", f"{manifest['prompt']['name']}, {manifest['prompt']['hash'][:12]}", None),
        ("seed", str(manifest["run"].get("seed")), None),
        ("samples in both", f"{metrics.samples:,} of {samples:,}", None),
        _counted("answered", metrics.answered),
        _counted("failed", metrics.failed.total()),
        _counted("contradicted by images", metrics.contradicted),
        *((f"{name} answered", *_of_scope(metrics, name)) for name in SCOPES),
        _counted("marked by checks", metrics.checks.total() if metrics.checked else None, "not checked"),
        _counted("flagged with an error", flagged, "not checked"),
        _share("judged poorly", metrics.poor, metrics.judged, "not judged"),
        *(
            _share(f"{kind.replace('_', ' ')} as planned", metrics.agreed[kind], _planned(metrics, kind), "not planned")
            for kind in KINDS
        ),
        *((f"distinct-{n}", f"{prompts.distinct[n - 1]:.3f}", prompts.distinct[n - 1]) for n in (1, 2, 3)),
        ("self-BLEU", f"{prompts.self_bleu:.3f}", prompts.self_bleu),
        _counted("vocabulary", prompts.vocabulary),
        ("words a user prompt", f"{prompts.mean_length:.1f}", prompts.mean_length),
        ("words an utterance", f"{metrics.utterances.mean_length:.1f}", metrics.utterances.mean_length),
        ("tokens in, out", f"{tokens['in']:,}, {tokens['out']:,}", None),
        ("tokens of images", "not counted" if images is None else f"{images:,}", images),
        ("seconds", f"{seconds:,.1f}", seconds),
    ]


def _counted(name: str, count: int | None, otherwise: str = "") -> Value:
    return (name, otherwise, None) if count is None else (name, f"{count:,}", count)


def _share(name: str, count: int, total: int, otherwise: str) -> Value:
    return (name, f"{count / total:.1%}", count / total) if total else (name, otherwise, None)


def _planned(metrics: Metrics, kind: str) -> int:
    """Return how many dialogues the share of planned types is of."""
    return metrics.answered if metrics.planned[kind] else 0


def _of_scope(metrics: Metrics, name: str) -> tuple[str, float | None]:
    counts = metrics.scopes.get(name)
    return (f"{counts.answered:,} of {counts.samples:,}", counts.answered) if counts else ("none", None)


def _key(line: Line) -> Key:
    moment = line["episode_id"], line["frame_index"], line["skill_index"], line["skill_current"]
    return *moment, scope(line), line.get("variant", 0)


def _only(run: RunResults, keys: set[Key]) -> RunResults:
    def read() -> Iterator[tuple[Episode, list[Line]]]:
        for episode, lines in run.read():
            if common := [line for line in lines if _key(line) in keys]:
                yield episode, common

    return replace(run, read=read)


def pairs(a: RunResults, b: RunResults) -> Iterator[tuple[Line, Line]]:
    """Yield the lines of each sample that both runs have."""
    others = {_key(line): line for _, lines in b.read() for line in lines}
    for _, lines in a.read():
        yield from ((line, others[_key(line)]) for line in lines)


def _dialogue(line: Line) -> tuple[Any, Any]:
    return line["user_prompt"], line["robot_utterance"]
