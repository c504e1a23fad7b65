"""What a run made, counted in one pass over its answers, and the parts of its manifest (schema `manifest`)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pgen.config.assembly import Parts
from pgen.config.options import RunOptions
from pgen.inference.judging import SCORES
from pgen.records import Annotation, Episode, Usage
from pgen.run import manifest_file as manifest
from pgen.run.report import Report

KINDS = ("scenario_type", "response_type")


@dataclass(slots=True)
class Tally:
    """Counts over the answers of a run; `planned` and `achieved` hold those of each kind of type."""

    samples: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    planned: Counter[tuple[str, str]] = field(default_factory=Counter)
    achieved: Counter[tuple[str, str]] = field(default_factory=Counter)
    judged: int = 0
    scores: Counter[str] = field(default_factory=Counter)
    usage: Usage = field(default_factory=lambda: Usage(attempts=0))

    def add(self, annotations: Iterable[Annotation]) -> None:
        """Count the annotations of an episode."""
        for annotation in annotations:
            self.samples += 1
            self.usage += annotation.usage
            if annotation.failure:
                self.failed[annotation.failure.stage] += 1
            self.found.update({finding.code for finding in annotation.checks})
            for kind in KINDS:
                if wanted := getattr(annotation.plan, kind):
                    self.planned[kind, wanted] += 1
                if annotation.dialogue and (said := getattr(annotation.dialogue, kind)):
                    self.achieved[kind, said] += 1
            self._score(annotation)

    def _score(self, annotation: Annotation) -> None:
        if annotation.judgement:
            self.judged += 1
            self.scores.update({name: getattr(annotation.judgement, name) for name in SCORES})

    def types(self) -> dict[str, Any]:
        """Of each type, how many were planned and achieved, as counts and as shares."""
        return {kind: self._shares(kind) for kind in KINDS}

    def _shares(self, kind: str) -> dict[str, dict[str, float]]:
        totals = {name: _total(kind, counts) for name, counts in self._both().items()}
        names = sorted({name for counts in self._both().values() for at, name in counts if at == kind})
        return {
            name: {
                key: value
                for told, counts in self._both().items()
                for key, value in (
                    (told, counts[kind, name]),
                    (f"{told}_share", round(counts[kind, name] / totals[told], 4) if totals[told] else 0.0),
                )
            }
            for name in names
        }

    def _both(self) -> dict[str, Counter[tuple[str, str]]]:
        return {"planned": self.planned, "achieved": self.achieved}


def tally(answers: Iterable[tuple[Episode, list[Annotation]]]) -> Tally:
    """The counts over all answers."""
    counted = Tally()
    for _, annotations in answers:
        counted.add(annotations)
    return counted


def manifest_of(
    parts: Parts,
    options: RunOptions,
    report: Report,
    counted: Tally,
    began: datetime,
    found: dict[str, Any],
    judged: dict[str, Any] | None,
) -> dict[str, Any]:
    """The manifest of a run. `found` is what its generator found out, `judged` what `judge` says."""
    return {
        "pgen_manifest": 1,
        "versions": manifest.versions(),
        **components(parts),
        "generator": {**parts.generator.describe(), **found},
        "checks": checks(parts, options, counted),
        "judge": judged,
        "run": options.model_dump(mode="json", exclude={"output_dir", "journal", "fresh"}),
        "counts": {
            "episodes": report.episodes,
            "frames": report.frames,
            "samples": report.samples,
            "answered": report.samples - counted.failed.total(),
            "failed": report.failed,
        },
        "types": counted.types(),
        "repairs": report.notes,
        **costs(report.usage, began, report.seconds),
    }


def components(parts: Parts) -> dict[str, Any]:
    """Every component of a run with its options."""
    return {
        "source": parts.source.describe(),
        "sampler": parts.sampler.describe(),
        "prompt": {**parts.prompts.describe(), "hash": parts.prompts.fingerprint()},
        "executor": {**parts.executor.describe(), **parts.executor.provenance()},
        "sinks": [sink.describe() for sink in parts.sinks],
    }


def checks(parts: Parts, options: RunOptions, counted: Tally) -> dict[str, Any]:
    """The checks that were made, and how many dialogues each code was found in."""
    return {
        "made": [check.describe() for check in parts.checks],
        "on_check": options.on_check,
        "found": dict(sorted(counted.found.items())),
    }


def judge(parts: Parts, options: RunOptions, counted: Tally, failed: int, found: Any) -> dict[str, Any] | None:
    """Who judged how many dialogues, and the mean scores; None where nobody did."""
    if parts.judge is None:
        return None
    return {
        **parts.judge.describe(),
        **(found or {}),
        "share": options.judge_share,
        "judged": counted.judged,
        "failed": failed,
        "mean": {name: round(counted.scores[name] / counted.judged, 3) for name in SCORES if counted.judged},
    }


def costs(usage: Usage, began: datetime, seconds: float) -> dict[str, Any]:
    """What a run cost."""
    return {
        "tokens": {"in": usage.tokens_in, "out": usage.tokens_out},
        "attempts": usage.attempts,
        "retries": usage.retries,
        "times": {
            "began": began.isoformat(timespec="seconds"),
            "seconds": round(seconds, 3),
            "model_seconds": round(usage.seconds, 3),
        },
    }


def _total(kind: str, counts: Counter[tuple[str, str]]) -> int:
    return sum(count for (at, _), count in counts.items() if at == kind)
