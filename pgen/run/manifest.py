"""The manifest of a result (schema `manifest`): what made it and what it cost, without keys, tokens or environment."""

import json
import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pgen
from pgen.config import Parts, RunOptions
from pgen.records import SCORES, Annotation, Episode, Usage
from pgen.run.estimate import Estimate, Prices
from pgen.run.report import Report
from pgen.safety.redaction import redacted
from pgen.storage.durable import write_text

_PACKAGES = ("pyarrow", "av", "pillow", "torch", "transformers", "lerobot")
_TYPES = ("scenario_type", "response_type")


def versions() -> dict[str, str]:
    """Return the versions of pgen, Python and the installed packages that shape a result."""
    installed = {"pgen": pgen.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def write(path: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest durably, without secrets."""
    write_text(path, [json.dumps(redacted(manifest), indent=2, ensure_ascii=False, allow_nan=False), "\n"])


@dataclass(slots=True)
class Tally:
    """Counts over the annotations of a run; `planned` and `achieved` are keyed by kind of type and type.

    `counterfactuals` has their kinds, or the stages of those that failed; they are part of `samples` and `failed` too.
    """

    samples: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    flagged: int = 0
    planned: Counter[tuple[str, str]] = field(default_factory=Counter)
    achieved: Counter[tuple[str, str]] = field(default_factory=Counter)
    judged: int = 0
    scores: Counter[str] = field(default_factory=Counter)
    scopes: Counter[str] = field(default_factory=Counter)
    counterfactuals: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=lambda: Usage(attempts=0))

    def add(self, annotation: Annotation) -> None:
        """Count one annotation."""
        self.samples += 1
        self.usage += annotation.usage
        if annotation.failure:
            self.failed[annotation.failure.stage] += 1
        question = annotation.sample.question
        if question.counterfactual:
            self.counterfactuals[annotation.failure.stage if annotation.failure else question.counterfactual] += 1
        elif annotation.dialogue:
            self.scopes[question.scope] += 1
        self.findings.update({finding.code for finding in annotation.checks})
        self.flagged += bool(annotation.checks and annotation.dialogue)
        if not question.counterfactual:  # no types are planned for these: theirs would shift the achieved shares
            for record, counts in ((annotation.plan, self.planned), (annotation.dialogue, self.achieved)):
                counts.update((kind, name) for kind in _TYPES if (name := getattr(record, kind, None)))
        if annotation.judgement:
            self.judged += 1
            self.scores.update({name: getattr(annotation.judgement, name) for name in SCORES})

    def types(self) -> dict[str, Any]:
        """Return how often each type was planned and achieved, as counts and as shares."""
        return {kind: self._shares(kind) for kind in _TYPES}

    def _shares(self, kind: str) -> dict[str, dict[str, float]]:
        shares: dict[str, dict[str, float]] = {}
        columns = {"planned": self.planned, "achieved": self.achieved}
        for name in sorted({name for counts in columns.values() for of, name in counts if of == kind}):
            shares[name] = {}
            for column, counts in columns.items():
                total = sum(count for (of, _), count in counts.items() if of == kind)
                shares[name][column] = counts[kind, name]
                shares[name][f"{column}_share"] = round(counts[kind, name] / total, 4) if total else 0.0
        return shares


def tally(results: Iterable[tuple[Episode, list[Annotation]]]) -> Tally:
    """Count all annotations of a run."""
    counts = Tally()
    for _, annotations in results:
        for annotation in annotations:
            counts.add(annotation)
    return counts


def manifest_of(
    parts: Parts,
    options: RunOptions,
    report: Report,
    counts: Tally,
    began: datetime,
    generator: dict[str, Any],
    judge: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return the manifest of a run; `generator` is what the generator reported, `judge` comes from `judge_entry`."""
    return {
        "pgen_manifest": 1,
        "versions": versions(),
        "source": parts.source.describe(),
        "sampler": parts.sampler.describe(),
        "prompt": {**parts.prompts.describe(), "hash": parts.prompts.fingerprint()},
        "executor": {**parts.executor.describe(), **parts.executor.provenance()},
        "sinks": [sink.describe() for sink in parts.sinks],
        "generator": {**parts.generator.describe(), **generator},
        "checks": {
            "made": [check.describe() for check in parts.checks],
            "on_check": options.on_check,
            "found": dict(sorted(counts.findings.items())),
        },
        "judge": judge,
        "run": options.model_dump(mode="json", exclude={"output_dir", "journal", "fresh"}),
        "counts": {
            "episodes": report.episodes,
            "frames": report.frames,
            "samples": report.samples - counts.counterfactuals.total(),
            "scopes": dict(sorted(counts.scopes.items())),
            "answered": counts.scopes.total(),
            "failed": dict(sorted((counts.failed - counts.counterfactuals).items())),
            "counterfactuals": dict(sorted(counts.counterfactuals.items())),
        },
        "types": counts.types(),
        "repairs": report.notes,
        "tokens": report.usage.tokens(),
        "attempts": report.usage.attempts,
        "retries": report.usage.retries,
        "times": {
            "began": began.isoformat(timespec="seconds"),
            "seconds": round(report.seconds, 3),
            "model_seconds": round(report.usage.seconds, 3),
        },
    }


def estimate_entry(requests: int, estimate: Estimate | None, report: Report, prices: Prices | None) -> dict[str, Any]:
    """Return the estimate made before the requests, for comparison with `tokens`, and with prices both costs."""
    usage = report.usage
    if estimate is None or not usage.tokens_in:
        return {}
    tokens: dict[str, Any] = {"in": estimate.tokens_in, "images": estimate.image_tokens, "out": estimate.tokens_out}
    if estimate.judge_in:
        tokens["judge"] = {"in": estimate.judge_in, "out": estimate.judge_out}
    entry: dict[str, Any] = {"estimate": {"requests": requests, **tokens, "bounded": estimate.bounded}}
    if prices:
        both = usage + report.judge_usage
        costs = {"estimated": estimate.cost(prices), "actual": prices.cost(both.tokens_in, both.tokens_out)}
        entry["cost"] = {"price_in": prices.tokens_in, "price_out": prices.tokens_out}
        entry["cost"] |= {name: round(cost, 6) for name, cost in costs.items()}
    return entry


def judge_entry(
    parts: Parts, options: RunOptions, counts: Tally, failed: int, usage: Usage, reported: Any
) -> dict[str, Any] | None:
    """Return the judge's entry with the mean scores; `reported` is what the judge's generator reported."""
    if parts.judge is None:
        return None
    return {
        **parts.judge.describe(),
        **(reported or {}),
        "share": options.judge_share,
        "judged": counts.judged,
        "failed": failed,
        "tokens": usage.tokens(),
        "mean": {name: round(counts.scores[name] / counts.judged, 3) for name in SCORES if counts.judged},
    }
