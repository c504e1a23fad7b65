"""`pgen segment`: skills for a dataset."""

from pathlib import Path
from typing import Any

import click

_folder = click.Path(path_type=Path)


@click.command()
@click.option("--root", type=_folder, help="The dataset's folder.")
@click.option("--repo-id", metavar="ID", help="The dataset's Hub id, where no --root is given.")
@click.option("--revision", help="Branch, tag or commit on the Hub.")
@click.option("--output-dir", type=_folder, required=True, help="The new dataset; must not exist yet.")
@click.option("--segmenter", default="gripper", show_default=True, metavar="NAME", help="What finds the spans.")
@click.option("--opt", multiple=True, metavar="segmenter.OPTION=VALUE", help="An option of it; repeatable.")
@click.option("--gripper", multiple=True, metavar="DIMENSION", help="The gripper, as action[6] or a name; repeatable.")
@click.option("--episodes", metavar="RANGES", help="Episodes to segment, such as 0-9,12.  [default: all]")
@click.option("--skills-only", is_flag=True, default=None, help="Write skills.json alone, without the dataset.")
@click.option("--write-subtasks", is_flag=True, default=None, help="Also write subtask_index into the data.")
@click.option("--keep-idle", is_flag=True, default=None, help="Name long pauses `idle`.")
@click.option("--overwrite", is_flag=True, default=None, help="Replace skills or subtasks that are there.")
@click.option("--max-failures", type=float, metavar="SHARE", help="Share of episodes that may fail.  [default: 0.02]")
def segment(segmenter: str, opt: tuple[str, ...], gripper: tuple[str, ...], **flags: Any) -> None:
    """Split a dataset's episodes into skills.

    \b
    pgen segment --root my-dataset --output-dir my-dataset-skills
    """
    from pgen.cli.shown import printable
    from pgen_segment.config import job

    given = {flag: value for flag, value in flags.items() if value is not None}
    with job(segmenter, [*opt, *(f"segmenter.gripper={name}" for name in gripper)], given) as run:
        for line in run.execute():
            click.echo(printable(line))
