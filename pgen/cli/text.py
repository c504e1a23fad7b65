"""A plan and a report as the command line prints them."""

from pgen.cli import printable
from pgen.run import Plan, Report


def plan_text(plan: Plan) -> str:
    """Counts, the source's repairs, and the first sample's prompt in full."""
    sample = plan.sample
    lines = [
        f"episodes   {plan.episodes:,}",
        f"frames     {plan.frames:,}",
        f"samples    {plan.samples:,} (one request each)",
        f"images     {plan.images:,}",
        *_notes(plan.notes),
        *_remarks(plan.remarks),
        "",
        f"The first sample: {sample.episode_id}, frame {sample.frame_index}, {len(sample.images)} images",
        *(f"  {image}" for image in sample.images),
        "",
        *([plan.prompt.system, ""] if plan.prompt.system else []),
        plan.prompt.text,
    ]
    return printable("\n".join(lines))


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
        *_notes(report.notes),
        *_remarks(report.remarks),
        f"seconds    {report.seconds:.1f}",
        f"output     {report.output_dir}",
    ]
    return printable("\n".join(lines))


def _notes(notes: dict[str, int]) -> list[str]:
    return [f"note       {count:,} {note}" for note, count in notes.items()]


def _remarks(remarks: tuple[str, ...]) -> list[str]:
    return [f"note       {remark}" for remark in remarks]
