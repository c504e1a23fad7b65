"""The report of a run as one page, also as the sink `report`: its metrics, and its episodes with their dialogue."""

from math import ceil
from pathlib import Path
from typing import Any

from pydantic import Field

from pgen.components import Options, Phase, Results, Sink, Source, silent
from pgen.records import SCOPES
from pgen_results import page
from pgen_results.counts import Metrics
from pgen_results.lines import KINDS, NOTES, POOR
from pgen_results.metrics import POOL, compute_metrics, cost, judge_tokens
from pgen_results.page import SCRIPTS, render
from pgen_results.read import RunResults, from_sink
from pgen_results.report_data import PageData
from pgen_results.selection import choose_samples
from pgen_results.severity import SEVERITIES, described, severity

FILE = "report.html"
SKILLS_LISTED = 100
REASONS_LISTED = 20
SCENES_LISTED = 100
_RECORDED = ("source", "sampler", "prompt", "generator", "sinks", "run", "versions", "repairs")
BINS = 24
"""The most bars of a histogram."""
ALERTS = {"failed": 0.01, "flagged": 0.05, "poor": 0.1, "unplanned": 0.2, "contradicted": 0.01}
"""The shares above which the page highlights a number; those flagged with a note do not count."""


class ReportOptions(Options):
    price_in: float | None = Field(None, ge=0)
    """Price of a million tokens read."""
    price_out: float | None = Field(None, ge=0)
    """Price of a million tokens written."""
    samples: int = Field(20_000, ge=1)
    """The most samples shown one by one: those with a problem first, then an even selection in all episodes."""
    thumbnails: int = Field(400, ge=0)
    """The most moments with images: those with a problem first, then one per span, then evenly."""


def report_page(results: RunResults, options: ReportOptions, phase: Phase = silent) -> str:
    """Return the report as HTML; reads the run twice, and the images that it shows."""
    results = results.shown(phase)
    metrics, manifest = compute_metrics(results), results.manifest
    by_samples = sorted(metrics.skills.items(), key=lambda item: (-item[1].samples, item[0]))
    data = PageData({name: position for position, (name, _) in enumerate(by_samples)})
    of_episodes = iter(choose_samples(metrics, options.samples))
    for episode, lines in results.read():
        if lines and any(shown := next(of_episodes)):
            data.add(episode, lines, shown)
    images = data.read_images(results.source, options.thumbnails, phase)
    return render(
        "report.html",
        (*SCRIPTS, "cards.js", "report.js"),
        {
            "skills": list(data.names),
            "scopes": SCOPES,
            "codes": {code: described(code) for code in metrics.checks},
            "episodes": data.episodes,
            "thumbnails": images.small,
            "poor": POOR,
            "notes": NOTES,
        },
        images.large,
        name=results.name,
        no_images=results.no_images,
        run=manifest,
        options={key: manifest.get(key) for key in _RECORDED},
        metrics=metrics,
        kinds=KINDS,
        alerts=alerts(metrics),
        thresholds=ALERTS,
        flagged_parts=", ".join(_counted(metrics.flagged[name], name) for name in SEVERITIES if metrics.flagged[name]),
        checks=sorted(metrics.checks.items(), key=lambda item: (SEVERITIES.index(severity(item[0])), -item[1])),
        scopes=[(name, metrics.scopes[name]) for name in SCOPES if name in metrics.scopes],
        scenes=metrics.scenes[:SCENES_LISTED],
        cost=cost(manifest, options.price_in, options.price_out),
        judge_tokens=judge_tokens(manifest),
        measured=min(metrics.answered, POOL),
        skills=by_samples[:SKILLS_LISTED],
        reasons=metrics.reasons.most_common(REASONS_LISTED),
        histograms=[histogram(metrics.prompts.lengths), histogram(metrics.utterances.lengths)],
        medians=[median(metrics.prompts.lengths), median(metrics.utterances.lengths)],
        **_shown(metrics, data),
        unreadable=images.unreadable,
    )


def _shown(metrics: Metrics, data: PageData) -> dict[str, Any]:
    """Return what the page has, and how many samples with and without a problem it leaves out."""
    samples = data.samples
    problems = sum(map(bool, metrics.badness)) - sum("badness" in sample for sample in samples)
    return {
        "listed": len(samples),
        "images": sum("image" in sample for sample in samples),
        "left_out": (problems, metrics.samples - len(samples) - problems),
        "episodes_left_out": len(metrics.sizes) - len(data.episodes),
    }


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def alerts(metrics: Metrics) -> dict[str, bool]:
    """Return whether each share of problems is above its threshold."""
    shares = {
        "failed": metrics.failed.total() / (metrics.samples or 1),
        "flagged": (metrics.flagged["error"] + metrics.flagged["warning"]) / (metrics.answered or 1),
        "poor": metrics.poor / (metrics.judged or 1),
        "unplanned": metrics.unplanned / (metrics.with_plan or 1),
        "contradicted": metrics.contradicted / (metrics.samples or 1),
    }
    return {name: share > ALERTS[name] for name, share in shares.items()}


def histogram(lengths: dict[int, int]) -> list[tuple[int, int, int]]:
    """Return bars of equal width as (first length, last length, texts), including empty ones."""
    if not lengths:
        return []
    first, last = min(lengths), max(lengths)
    width = ceil((last - first + 1) / BINS)
    edges = range(first, last + 1, width)
    return [(edge, edge + width - 1, sum(lengths.get(edge + i, 0) for i in range(width))) for edge in edges]


def median(lengths: dict[int, int]) -> float:
    """Return the median of the lengths, or 0 of none."""
    total, below = sum(lengths.values()), 0
    for length, count in sorted(lengths.items()):
        below += count
        if 2 * below >= total:
            return length
    return 0


_SIZE = 40_000_000
"""An upper estimate of a page's size, in bytes."""


class ReportSink(Sink[ReportOptions]):
    """One page with the numbers of the run and its dialogues, readable without a network."""

    name = "report"

    def needs_bytes(self, source: Source) -> int:
        return _SIZE

    def write(self, results: Results, out: Path) -> None:
        folder = results.source.folder
        name = folder.name if folder and folder.name else "dialogue"
        page.write(out / FILE, report_page(from_sink(results, name), self.options))
