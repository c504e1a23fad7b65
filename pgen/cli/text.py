"""A plan and a report as the command line prints them."""

from pgen.run.report import Plan, Report
from pgen.safety.terminal import printable

TURN_TOKENS = 50
"""What a request and its answer come to, about."""


def plan_text(plan: Plan) -> str:
    """Counts, the source's repairs, and the first sample's prompt in full."""
    sample, moment = plan.sample, plan.sample.moment
    lines = [
        f"episodes   {plan.episodes:,}",
        f"frames     {plan.frames:,}",
        f"samples    {plan.samples:,} (one request each)",
        *_conversations(plan),
        f"images     {plan.images:,}",
        *([f"executor   {plan.executor}"] if plan.executor else []),
        *([f"judged     about {plan.judged:,} (a request more each)"] if plan.judged else []),
        *_notes(plan.notes),
        *_remarks(plan.remarks),
        "",
        f"The first sample: {sample.span.episode_id}, frame {moment.frame_index}, {len(moment.images)} images",
        *(f"  {image}" for image in moment.images),
        "",
        *([plan.prompt.system, ""] if plan.prompt.system else []),
        plan.prompt.text,
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


def report_text(report: Report) -> str:
    """What was done, what failed, and where the result lies."""
    failed = sum(report.failed.values())
    stages = ", ".join(f"{count} {stage}" for stage, count in sorted(report.failed.items()))
    usage = report.usage
    lines = [
        f"samples    {report.samples:,} in {report.episodes:,} episodes, {report.frames:,} frames",
        f"answered   {report.samples - failed:,} by {report.generator}"
        + (f", {report.resumed:,} of them in a former run" if report.resumed else ""),
        *([f"failed     {failed:,} ({stages})"] if failed else []),
        *([f"asked      {usage.attempts:,} times, {usage.retries:,} requests sent again"] if usage.retries else []),
        *([f"tokens     {usage.tokens_in:,} in, {usage.tokens_out:,} out"] if usage.tokens_out else []),
        *([f"checks     {_counted(report.found)}"] if report.found else []),
        *([f"judged     {report.judged:,}"] if report.judged else []),
        *_notes(report.notes),
        *_remarks(report.remarks),
        f"seconds    {report.seconds:.1f}",
        f"output     {report.output_dir}",
    ]
    return printable("\n".join(lines))


def _counted(found: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {code}" for code, count in found.items())


def _notes(notes: dict[str, int]) -> list[str]:
    return [f"note       {count:,} {note}" for note, count in notes.items()]


def _remarks(remarks: tuple[str, ...]) -> list[str]:
    return [f"note       {remark}" for remark in remarks]
