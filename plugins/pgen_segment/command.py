"""`pgen segment`: skills for a dataset."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pgen.cli import Command, ProgressBar, fields, flag_options, option

if TYPE_CHECKING:
    from pgen_segment.job import Job

_folder = click.Path(path_type=Path)


_input, _output = partial(option, group="input"), partial(option, group="output")
_segmentation, _run = partial(option, group="segmentation"), partial(option, group="run")


@click.command(cls=Command, place=20, params=flag_options("generator"))
@_input("--root", type=_folder, help="The dataset's folder.")
@_input("--repo-id", metavar="ID", help="The dataset's Hub id, where no --root is given.")
@_input("--revision", help="Branch, tag or commit on the Hub.")
@_output("--output-dir", type=_folder, required=True, help="The new dataset; must not exist yet.")
@_segmentation("--segmenter", metavar="NAME", help="What finds the spans.  [default: hybrid, gripper without a model]")
@option("--generator", group="generator", metavar="NAME", help="The generator, for a segmenter with a model.")
@_run("--executor", default="local", metavar="NAME", help="Where requests are sent from.  [default: local]")
@_run("--opt", multiple=True, metavar="KIND.OPTION=VALUE", help="An option of one of them; repeatable.")
@_segmentation("--gripper", multiple=True, metavar="DIMENSION", help="The gripper, as action[6] or a name; repeatable.")
@_input("--episodes", metavar="RANGES", help="Episodes to segment, such as 0-9,12.  [default: all]")
@_input("--camera", multiple=True, metavar="KEY", help="Camera to show; repeatable.  [default: all]")
@_segmentation("--frames-per-second", type=float, metavar="N", help="Frames a model is shown.  [default: 2]")
@_segmentation("--level", metavar="LEVEL", help="Spans of hybrid: motion, skill or phase.  [default: skill]")
@_segmentation("--vocabulary", metavar="FILE|auto", help="A closed list of names, or make one.  [default: free names]")
@_segmentation("--names", metavar="STYLE", help="imperative or third-person.  [default: imperative]")
@_segmentation("--prompt", metavar="file:PATH", help="Your own prompt for the spans.")
@_segmentation("--relabel", is_flag=True, default=None, help="Request each span's name once more.")
@_segmentation("--snap", is_flag=True, default=None, help="Move a model's edges to where the arm changes.")
@_run("--seed", type=int, help="The same seed gives the same output.  [default: 0]")
@_output("--skills-only", is_flag=True, default=None, help="Write skills.json alone, without the dataset.")
@_output("--write-subtasks", is_flag=True, default=None, help="Also write subtask_index into the data.")
@_output("--keep-idle", is_flag=True, default=None, help="Name long pauses `idle`.")
@_output("--overwrite", is_flag=True, default=None, help="Replace existing skills or subtasks.")
@_output("--copy-videos", is_flag=True, default=None, help="Copy videos, else shared with the input.")
@_run("--max-failures", type=float, metavar="SHARE", help="Share of episodes that may fail.  [default: 0.02]")
@_run("--fresh", is_flag=True, default=None, help="Discard the results of an unfinished run.")
@_run("--dry-run", is_flag=True, help="Count the requests; send none, write nothing.")
def segment(
    segmenter: str | None, generator: str | None, executor: str, opt: tuple[str, ...], dry_run: bool, **flags: Any
) -> None:
    """Split a dataset's episodes into skills.

    \b
    pgen segment --root my-dataset --output-dir my-dataset-skills
    """
    from pgen_segment.config import job_from_flags

    chosen = {flag: value for flag, value in flags.items() if value is not None and value != ()}
    run_job(job_from_flags(segmenter, generator, executor, opt, chosen), dry_run=dry_run)


def run_job(job: "Job", *, dry_run: bool = False) -> None:
    """Run a segmentation, or only count its requests, and print the report."""
    from pgen.safety.terminal import printable

    with job, ProgressBar("episode", "segmenting", visible=job.segmenter.asks) as bar:
        report = list(job.plan() if dry_run else job.execute(bar.start, bar.phase))
    for line in report:
        click.echo(fields(printable(line)))
