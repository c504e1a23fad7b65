"""The plan and the report of a run as text."""

from collections.abc import Mapping
from shlex import quote

from pgen.hookspecs import Preview
from pgen.records import Usage
from pgen.run.estimate import Estimate, Prices
from pgen.run.failure_limit import SCENE
from pgen.run.report import Plan, Report
from pgen.safety.terminal import printable

TURN_TOKENS = 50
"""About how many tokens an earlier turn adds to a request."""


def plan_text(plan: Plan, estimate: Estimate | None = None, prices: Prices | None = None) -> str:
    """Return the plan's counts and notes, its tokens and their cost, and the prompt of the first sample."""
    moment, span = plan.sample.moment, plan.sample.span
    lines = [
        f"episodes   {plan.episodes:,}",
        f"frames     {plan.frames:,}",
        f"requests   {plan.requests:,}",
        f"dialogues  {plan.samples:,}",
        *_conversations(plan),
        f"images     {plan.images:,}",
        *([f"executor   {plan.executor}"] if plan.executor else []),
        *_judged(plan, estimate),
        *(_tokens(estimate) if estimate else []),
        *(_cost(plan, estimate, prices) if estimate and prices else []),
        *_notes(plan),
        "",
        f"The first sample: {span.episode_id}, frame {moment.frame_index}, {len(moment.images)} images",
        *(f"  {image}" for image in moment.images),
        "",
        *([plan.prompt.system, ""] if plan.prompt.system else []),
        *([plan.prompt.context, ""] if plan.prompt.context else []),
        plan.prompt.text,
    ]
    return printable("\n".join(lines))


def preview_text(preview: Preview, flag: str, prices: Prices) -> str:
    """Return what a step before the run will do, and its cost; the text of the run's own plan follows."""
    lines = [f"{flag}:", *preview.lines]
    if preview.tokens_in:
        lines.append(f"tokens     about {preview.tokens_in:,} in, {preview.tokens_out:,} out")
        if prices:
            lines.append(f"cost       about ${prices.cost(preview.tokens_in, preview.tokens_out):,.2f}")
    return printable("\n".join([*lines, "", "The dialogue, as far as it can be planned before:"]))


def report_text(report: Report, prices: Prices | None = None) -> str:
    """Return the report's counts and notes, what it cost, and where the output is."""
    stages, usage = {**report.failed}, report.usage
    scene = stages.pop(SCENE, 0)
    failed = sum(stages.values())
    resumed = f", {report.resumed:,} of them in a former run" if report.resumed else ""
    lines = [
        f"samples    {report.samples:,} in {report.episodes:,} episodes, {report.frames:,} frames",
        f"answered   {report.samples - failed - scene:,} by {report.generator}{resumed}",
        *([f"failed     {failed:,} ({_counts(stages)})"] if failed else []),
        *([f"scene      {scene:,} samples whose images contradict their labels"] if scene else []),
        *([f"asked      {usage.attempts:,} times, {usage.retries:,} requests sent again"] if usage.retries else []),
        *_spent(report, prices),
        *_flagged(report, report.samples - failed - scene),
        *([f"judged     {report.judged:,}{_judge_tokens(report.judge_usage)}"] if report.judged else []),
        *_notes(report),
        f"seconds    {report.seconds:.1f}",
        f"output     {report.output_dir}",
        *([f"next       pgen report {quote(str(report.output_dir))}"] if failed or scene or report.flagged else []),
    ]
    return printable("\n".join(lines))


def _flagged(report: Report, dialogues: int) -> list[str]:
    if not report.flagged:
        return []
    return [f"flagged    {report.flagged:,} of {dialogues:,} dialogues ({_counts(report.findings)})"]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in sorted(counts.items()))


def _conversations(plan: Plan) -> list[str]:
    if not plan.conversations:
        return []
    return [
        f"turns      in {plan.conversations:,} conversations, so at most as many requests at once; the longest is "
        f"{plan.longest:,} requests one after the other",
        f"           {plan.retold:,} earlier turns are told again (of about {TURN_TOKENS} tokens each)",
    ]


def _judged(plan: Plan, estimate: Estimate | None) -> list[str]:
    if not plan.judged:
        return []
    tokens = ""
    if estimate and estimate.judge_in:
        tokens = f", about {estimate.judge_in:,} tokens in, {estimate.judge_out:,} out"
    return [f"judged     about {plan.judged:,} (at most two requests more each{tokens})"]


def _tokens(estimate: Estimate) -> list[str]:
    bound = "at most" if estimate.bounded else "about"
    computed = estimate.tokens_in - estimate.tokens_cached
    counted = ", by the model's tokenizer" if estimate.tokenizer else ""
    return [
        f"tokens     {bound} {estimate.tokens_in:,} in ({estimate.image_tokens:,} of images), "
        f"about {estimate.tokens_out:,} out{counted}",
        f"cached     about {estimate.tokens_cached:,} of those in, by a server with a prefix cache: it computes "
        f"{computed:,}",
    ]


def _cost(plan: Plan, estimate: Estimate, prices: Prices) -> list[str]:
    bound = "at most" if estimate.bounded else "about"
    cost = estimate.cost(prices)
    judge = ", with the judge at the same prices" if estimate.judge_in else ""
    return [f"cost       {bound} ${cost:,.2f} (${1000 * cost / plan.episodes:,.2f} per 1,000 episodes){judge}"]


def _spent(report: Report, prices: Prices | None) -> list[str]:
    usage, both = report.usage, report.usage + report.judge_usage
    if not usage.tokens_out:
        return []
    judge = ", with the judge" if report.judge_usage.tokens_in else ""
    cost = f"cost       ${prices.cost(both.tokens_in, both.tokens_out):,.2f}{judge}" if prices else ""
    return [f"tokens     {usage.summary()}", *filter(None, [cost])]


def _judge_tokens(usage: Usage) -> str:
    return f"; tokens: {usage.summary()}" if usage.tokens_out else ""


def _notes(summary: Plan | Report) -> list[str]:
    notes = [*(f"{count:,} {note}" for note, count in summary.notes.items()), *summary.remarks]
    return [f"note       {note}" for note in notes]
