"""The plan and the report of a run as text."""

from pgen.run.report import Plan, Report
from pgen.safety.terminal import printable

TURN_TOKENS = 50
"""About how many tokens an earlier turn adds to a request."""


def plan_text(plan: Plan) -> str:
    """Return the plan's counts and notes, and the prompt of the first sample."""
    moment, span = plan.sample.moment, plan.sample.span
    lines = [
        f"episodes   {plan.episodes:,}",
        f"frames     {plan.frames:,}",
        f"requests   {plan.requests:,}",
        f"dialogues  {plan.samples:,}",
        *_conversations(plan),
        f"images     {plan.images:,}",
        *([f"executor   {plan.executor}"] if plan.executor else []),
        *([f"judged     about {plan.judged:,} (at most two requests more each)"] if plan.judged else []),
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


def report_text(report: Report) -> str:
    """Return the report's counts and notes, and where the output is."""
    failed, usage = sum(report.failed.values()), report.usage
    stages = ", ".join(f"{count} {stage}" for stage, count in sorted(report.failed.items()))
    findings = ", ".join(f"{count:,} {code}" for code, count in report.findings.items())
    resumed = f", {report.resumed:,} of them in a former run" if report.resumed else ""
    lines = [
        f"samples    {report.samples:,} in {report.episodes:,} episodes, {report.frames:,} frames",
        f"answered   {report.samples - failed:,} by {report.generator}{resumed}",
        *([f"failed     {failed:,} ({stages})"] if failed else []),
        *([f"asked      {usage.attempts:,} times, {usage.retries:,} requests sent again"] if usage.retries else []),
        *([f"tokens     {usage.tokens_in:,} in, {usage.tokens_out:,} out"] if usage.tokens_out else []),
        *([f"checks     {findings}"] if findings else []),
        *([f"judged     {report.judged:,}"] if report.judged else []),
        *_notes(report),
        f"seconds    {report.seconds:.1f}",
        f"output     {report.output_dir}",
    ]
    return printable("\n".join(lines))


def _conversations(plan: Plan) -> list[str]:
    if not plan.conversations:
        return []
    return [
        f"turns      in {plan.conversations:,} conversations, so at most as many requests at once; the longest is "
        f"{plan.longest:,} requests one after the other",
        f"           {plan.retold:,} earlier turns are told again (of about {TURN_TOKENS} tokens each)",
    ]


def _notes(summary: Plan | Report) -> list[str]:
    notes = [*(f"{count:,} {note}" for note, count in summary.notes.items()), *summary.remarks]
    return [f"note       {note}" for note in notes]
